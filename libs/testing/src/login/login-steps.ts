/** An authorization takes about four redirects. */
const redirectsMax = 10;

/**
 * Goes the way of a browser from the authorization URL to the redirect back to the app, with cookies kept, and approves as
 * the account on the way. Throws when the login shows an error page instead.
 */
export async function followLogin(
  issuer: string,
  authorizationUrl: string,
  accountId: string,
): Promise<Record<string, string>> {
  const cookies = new Map<string, string>();
  let at = new URL(authorizationUrl);
  for (let redirects = 0; redirects < redirectsMax; redirects += 1) {
    if (at.pathname.startsWith('/interaction/')) at.searchParams.set('account', accountId);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(at, { redirect: 'manual', headers: { cookie } });
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (!location) throw new Error(`the login answered ${response.status}: ${await response.text()}`);
    at = new URL(location, issuer);
    if (at.origin !== issuer) return Object.fromEntries(at.searchParams);
  }
  throw new Error('the login redirects without end');
}

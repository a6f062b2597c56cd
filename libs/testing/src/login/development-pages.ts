/** Role names come from code, never from a request: nothing on these pages needs escaping. */

/** Chooses the role of the session and begins a login at the platform. */
export function startPage(segment: string, roles: readonly string[]): string {
  const choices = roles.map((role) => `<option>${role}</option>`).join('');
  return page(`
    <form id="begin"><label>Role of the session <select name="role">${choices}</select></label> <button>Log in</button></form>
    <p id="told" role="status"></p>
    <script>
      document.querySelector('#begin').addEventListener('submit', async (event) => {
        event.preventDefault();
        const role = new FormData(event.target).get('role');
        const begun = await fetch('/identity/v1/staff-logins', {
          method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ role }) });
        const body = await begun.json();
        if (!begun.ok) return void (document.querySelector('#told').textContent = JSON.stringify(body));
        sessionStorage.setItem('${segment}', body.loginId);
        location.assign(body.authorizationUrl);
      });
    </script>`);
}

/** Stands for the organisation's own page: who somebody is, and what the organisation lets them be. */
export function approvalPage(roles: readonly string[]): string {
  const boxes = roles.map(
    (role) => `<label><input type="checkbox" name="roles" value="${role}" checked> ${role}</label>`,
  );
  return page(`
    <form method="post">
      <p><label>Subject <input name="subject" value="developer" maxlength="100" required></label></p>
      <p>Roles that the login gives: ${boxes.join(' ')}</p>
      <button>Approve</button>
    </form>`);
}

/** Completes the login, and shows the access token. */
export function donePage(segment: string): string {
  return page(`
    <pre id="told" style="white-space: pre-wrap; overflow-wrap: anywhere"></pre>
    <p><a href="/${segment}">Another login</a></p>
    <script>
      const { code, state, iss } = Object.fromEntries(new URLSearchParams(location.search));
      history.replaceState(null, '', location.pathname);
      fetch('/identity/v1/staff-logins/' + sessionStorage.getItem('${segment}') + '/complete', {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ code, state, iss }) })
        .then((done) => done.json())
        .then((body) => { document.querySelector('#told').textContent = JSON.stringify(body, null, 2); });
    </script>`);
}

function page(content: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tsunagu: development login</title>
    <body style="font-family: sans-serif; margin: 2rem auto; max-width: 40rem">
    <h1>Development login of staff</h1><p>Of the test profile: no password, anybody may be anyone.</p>${content}</body></html>`;
}

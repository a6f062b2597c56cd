import type { DevelopmentLoginSettings } from '@tsunagu/testing/development-login';
import type { Handler } from './front.js';
import { sendProblem } from './problem-answer.js';
import type { Settings } from './settings.js';

const segment = 'sim-login';
const clientId = 'tsunagu';
const roles = ['operator', 'finance', 'support', 'auditor'];

/** A simulated login of staff beside the platform: what answers it, the settings that name it, and what the terminal is told. */
export interface DevelopmentLoginPart {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly environment: Readonly<Record<string, string>>;
  readonly lines: readonly string[];
}

const none: DevelopmentLoginPart = { handlers: new Map(), environment: {}, lines: [] };

/** In the test profile alone, where no other staff login is set, and where the package that it is made of is installed. */
export function developmentLogin(
  { profile }: Settings,
  platformUrl: string,
  env: NodeJS.ProcessEnv = process.env,
): DevelopmentLoginPart {
  if (profile !== 'test' || env.TSUNAGU_STAFF_LOGIN_ISSUER?.trim()) return none;
  if (!isInstalled()) return { ...none, lines: ['Staff      no development login: oidc-provider is not installed'] };
  return {
    handlers: new Map([[segment, lazyHandler(platformUrl)]]),
    environment: {
      TSUNAGU_STAFF_LOGIN_ISSUER: `${platformUrl}/${segment}`,
      TSUNAGU_STAFF_LOGIN_NAME: 'Development login',
      TSUNAGU_STAFF_LOGIN_CLIENT_ID: clientId,
      TSUNAGU_STAFF_LOGIN_REDIRECT_URI: `${platformUrl}/${segment}/done`,
      TSUNAGU_STAFF_LOGIN_SCOPES: 'openid',
      TSUNAGU_STAFF_LOGIN_ALGORITHM: 'ES256',
      TSUNAGU_STAFF_LOGIN_MAPPING: JSON.stringify({
        roleClaim: 'roles',
        roles: Object.fromEntries(roles.map((role) => [role, role])),
        owner: { id: 'demo' },
      }),
    },
    lines: [`Staff      ${platformUrl}/${segment}: a development login, choose who you are; or npx tsunagu token`],
  };
}

/**
 * Loaded when somebody first comes: a start must not pay for it (0.8 s, 45 MB), and then the platform's keys can be read. A key
 * exchanged later is known after the next start.
 */
function lazyHandler(platformUrl: string): Handler {
  const load = async () => {
    const { DevelopmentLogin } = await import('@tsunagu/testing/development-login');
    const answer = await fetch(`${platformUrl}/identity/v1/staff-logins/jwks.json`);
    if (!answer.ok) throw new Error(`the platform’s keys: ${answer.status}`);
    const jwks = (await answer.json()) as DevelopmentLoginSettings['jwks'];
    return new DevelopmentLogin({ platformUrl, segment, clientId, roles, jwks });
  };
  let login: ReturnType<typeof load> | undefined;
  return (request, response) => {
    login ??= load().catch((error: unknown) => {
      login = undefined;
      throw error;
    });
    login
      .then((loaded) => loaded.handle(request, response))
      .catch(() => {
        if (response.headersSent) response.destroy();
        else sendProblem(request, response, 'request.invalid', 'The development login cannot answer this.');
      });
  };
}

function isInstalled(): boolean {
  try {
    import.meta.resolve('oidc-provider');
    return true;
  } catch {
    return false;
  }
}

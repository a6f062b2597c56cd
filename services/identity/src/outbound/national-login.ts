import type { SigningKey } from '@tsunagu/service-host';
import type { Logger } from 'pino';
import type { LoginConfig } from '../login-config.js';
import { OpenidLogin } from './openid-login.js';

/** The country's login as an OpenID login: which scopes it is asked for, and that people's claims are read from its user information. */
export class NationalLogin extends OpenidLogin {
  constructor(
    readonly settings: LoginConfig,
    key: () => Promise<SigningKey>,
    logger: Logger,
  ) {
    const { issuer, clientId, redirectUri } = settings;
    const scopes = 'openid name address birthdate gender sign';
    const asked = { scopes, algorithm: 'ES256', claimsFrom: 'userInformation', called: 'national login' } as const;
    super({ issuer, clientId, redirectUri, ...asked }, key, logger);
  }
}

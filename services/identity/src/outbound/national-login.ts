import type { Result } from '@tsunagu/kernel';
import type { SigningKey } from '@tsunagu/service-host';
import * as openid from 'openid-client';
import type { Logger } from 'pino';
import type { LoginConfig } from '../login-config.js';
import { type LoginSignature, LoginSigning } from './login-signing.js';
import { type LoginRefusal, type LoginSecrets, OpenidLogin, type ProvenLogin } from './openid-login.js';

type Told = Readonly<Record<string, unknown>>;

/** The country's login as an OpenID login: which scopes it is asked for, its user information and its signing function. */
export class NationalLogin extends OpenidLogin {
  private readonly signing: LoginSigning | undefined;

  constructor(
    readonly settings: LoginConfig,
    key: () => Promise<SigningKey>,
    logger: Logger,
  ) {
    const { issuer, clientId, redirectUri, signUrl } = settings;
    const scopes = 'openid name address birthdate gender';
    const asked = { scopes, algorithm: 'ES256', called: 'national login' } as const;
    super({ issuer, clientId, redirectUri, ...asked }, key, logger);
    this.signing = signUrl === undefined ? undefined : new LoginSigning(signUrl, clientId);
  }

  get signs(): boolean {
    return this.signing !== undefined;
  }

  /** As `begin`, in a login in which the person's card signs these bytes. */
  async beginSigning(
    message: Buffer,
  ): Promise<Result<{ authorizationUrl: string; secrets: LoginSecrets; transactionId: string }, LoginRefusal>> {
    const signing = this.ofSigning();
    return this.asked(async () => {
      const configuration = await this.configuration();
      const transactionId = await signing.register(configuration, message);
      const parameters = signing.parameters(this.client.scopes, transactionId);
      return { ...(await this.authorization(configuration, parameters)), transactionId };
    });
  }

  /** The claims that the person let the login give, and what their card signed where a transaction is named. */
  async told(
    { subject, accessToken }: Pick<ProvenLogin, 'subject' | 'accessToken'>,
    transactionId: string | undefined,
  ): Promise<Result<{ claims: Told; signature: LoginSignature | undefined }, LoginRefusal>> {
    return this.asked(async () => {
      const configuration = await this.configuration();
      const claims: Told = await openid.fetchUserInfo(configuration, accessToken, subject);
      if (transactionId === undefined) return { claims, signature: undefined };
      return { claims, signature: await this.ofSigning().result(configuration, transactionId, accessToken) };
    });
  }

  private ofSigning(): LoginSigning {
    if (!this.signing) throw new Error('a login that signs, without its signing function');
    return this.signing;
  }
}

import type { Provider } from '@nestjs/common';
import { currentKey, loadOrCreateSecret, PARTS, type ServiceParts } from '@tsunagu/service-host';
import { secretKey } from '@tsunagu/vault';
import type { LoginConfig } from './login-config.js';
import { BegunLogins, nationalLogins } from './outbound/begun-logins.js';
import { ISSUER, type Issuer } from './outbound/issuer.js';
import { NationalLogin } from './outbound/national-login.js';
import { Vault } from './outbound/vault.js';
import { SignatureThreads } from './verification/signature-threads.js';
import type { TrustedAuthority } from './verification/trusted-authorities.js';
import { Contradictions } from './workflows/contradictions.js';
import { LoginSignatures } from './workflows/login-signatures.js';
import { type NationalLoginSecrets, NationalSigningIn } from './workflows/national-signing-in.js';
import { RecordingAttributes } from './workflows/recording-attributes.js';
import { Survivors } from './workflows/survivors.js';

/** The parts of the national login; without settings NationalSigningIn is null, and its paths are not there. */
export function nationalLoginProviders(
  settings: LoginConfig | undefined,
  authorities: readonly TrustedAuthority[],
): Provider[] {
  return [
    {
      provide: BegunLogins,
      inject: [PARTS],
      useFactory: async ({ database, keyDirectory, clock }: ServiceParts) =>
        new BegunLogins<NationalLoginSecrets>(
          nationalLogins,
          database,
          secretKey(await loadOrCreateSecret(keyDirectory, 'identity-logins')),
          clock,
        ),
    },
    {
      provide: NationalSigningIn,
      inject: [PARTS, BegunLogins, Vault, RecordingAttributes, Survivors, ISSUER, SignatureThreads],
      useFactory: async (
        { keyDirectory, logger, log, clock, profile }: ServiceParts,
        begun: BegunLogins<NationalLoginSecrets>,
        vault: Vault,
        recording: RecordingAttributes,
        survivors: Survivors,
        issuer: Issuer,
        threads: SignatureThreads,
      ) => {
        if (!settings) return null;
        const key = currentKey(keyDirectory, 'login', 'ES256');
        // Made now: the login reads it before anybody signs in.
        await key();
        const login = new NationalLogin(settings, key, logger);
        const contradictions = new Contradictions(log, clock);
        const signatures = new LoginSignatures({ issuer, authorities, signatures: threads, clock, profile });
        const parts = { login, begun, vault, signatures, recording, survivors, contradictions, log, clock };
        return new NationalSigningIn(parts);
      },
    },
  ];
}

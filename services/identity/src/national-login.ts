import type { Provider } from '@nestjs/common';
import { currentKey, loadOrCreateSecret, PARTS, type ServiceParts } from '@tsunagu/service-host';
import { secretKey } from '@tsunagu/vault';
import type { LoginConfig } from './login-config.js';
import { BegunLogins, nationalLogins } from './outbound/begun-logins.js';
import { NationalLogin } from './outbound/national-login.js';
import { Vault } from './outbound/vault.js';
import { Contradictions } from './workflows/contradictions.js';
import { NationalSigningIn } from './workflows/national-signing-in.js';
import { RecordingAttributes } from './workflows/recording-attributes.js';
import { Survivors } from './workflows/survivors.js';

/** The parts of the national login; without settings NationalSigningIn is null, and its paths are not there. */
export function nationalLoginProviders(settings: LoginConfig | undefined): Provider[] {
  return [
    {
      provide: BegunLogins,
      inject: [PARTS],
      useFactory: async ({ database, keyDirectory, clock }: ServiceParts) =>
        new BegunLogins(
          nationalLogins,
          database,
          secretKey(await loadOrCreateSecret(keyDirectory, 'identity-logins')),
          clock,
        ),
    },
    {
      provide: NationalSigningIn,
      inject: [PARTS, BegunLogins, Vault, RecordingAttributes, Survivors],
      useFactory: async (
        { keyDirectory, logger, log, clock }: ServiceParts,
        begun: BegunLogins,
        vault: Vault,
        recording: RecordingAttributes,
        survivors: Survivors,
      ) => {
        if (!settings) return null;
        const key = currentKey(keyDirectory, 'login', 'ES256');
        // Made now: the login reads it before anybody signs in.
        await key();
        const login = new NationalLogin(settings, key, logger);
        const contradictions = new Contradictions(log, clock);
        return new NationalSigningIn({ login, begun, vault, recording, survivors, contradictions, log, clock });
      },
    },
  ];
}

import type { Provider } from '@nestjs/common';
import { currentKey, loadOrCreateSecret, PARTS, type ServiceParts, type SigningKey } from '@tsunagu/service-host';
import { secretKey } from '@tsunagu/vault';
import { STAFF_KEY } from './http/token.controller.js';
import { BegunLogins, staffLogins } from './outbound/begun-logins.js';
import { OpenidLogin } from './outbound/openid-login.js';
import { StaffSessions } from './outbound/staff-sessions.js';
import { Vault } from './outbound/vault.js';
import type { StaffLoginConfig } from './staff-login-config.js';
import { type StaffLoginSecrets, StaffSigningIn } from './workflows/staff-signing-in.js';

export const BEGUN_STAFF_LOGINS = Symbol('BEGUN_STAFF_LOGINS');

/** The parts of the staff login; without settings StaffSigningIn is null. Sessions are listed and ended all the same. */
export function staffLoginProviders(settings: StaffLoginConfig | undefined): Provider[] {
  return [
    {
      provide: StaffSessions,
      inject: [PARTS],
      useFactory: ({ database, clock }: ServiceParts) => new StaffSessions(database, clock),
    },
    {
      provide: BEGUN_STAFF_LOGINS,
      inject: [PARTS],
      useFactory: async ({ database, keyDirectory, clock }: ServiceParts) => {
        const sealKey = secretKey(await loadOrCreateSecret(keyDirectory, 'identity-logins'));
        return new BegunLogins<StaffLoginSecrets>(staffLogins, database, sealKey, clock);
      },
    },
    {
      provide: StaffSigningIn,
      inject: [PARTS, BEGUN_STAFF_LOGINS, StaffSessions, Vault, STAFF_KEY],
      useFactory: async (
        { keyDirectory, logger, clock }: ServiceParts,
        begun: BegunLogins<StaffLoginSecrets>,
        sessions: StaffSessions,
        vault: Vault,
        key: () => Promise<SigningKey>,
      ) => {
        if (!settings) return null;
        // The same key as with the national login: an assertion names the login that it is for.
        const loginKey = currentKey(keyDirectory, 'login', 'ES256');
        // Made now: the login reads it before anybody signs in.
        await loginKey();
        const login = new OpenidLogin(settings.client, loginKey, logger);
        return new StaffSigningIn({ settings, login, begun, sessions, vault, key, clock });
      },
    },
  ];
}

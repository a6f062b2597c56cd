import { loadOrCreateSecret } from '@tsunagu/service-host';
import { type MasterUse, personKeysOf, secretKey } from '@tsunagu/vault';
import type { IdentityKeys } from './outbound/vault.js';

/** What the vault's master key wraps. */
export const vaultUse: MasterUse = personKeysOf('identity');

/** The secrets of this service in the key directory, made at first use; the vault's master keys are apart (VaultMasters). */
export async function identityKeys(keyDirectory: string): Promise<IdentityKeys> {
  const key = async (purpose: string) => secretKey(await loadOrCreateSecret(keyDirectory, `identity-${purpose}`));
  return {
    certificateHash: await key('certificates'),
    myKeyIdHash: await key('my-key-ids'),
    attributesHash: await key('attributes'),
    serviceIdHash: await key('service-ids'),
    subjectHash: await key('subjects'),
    pairwiseHash: await key('pairwise'),
  };
}

import type { KeyObject } from 'node:crypto';
import { loadOrCreateSecret } from '@tsunagu/service-host';
import { open, seal, secretKey } from '@tsunagu/vault';
import type { Pool } from 'pg';

export const BANK_VAULT = Symbol('BANK_VAULT');

/** Bank accounts of payees and payers: encrypted, outside the log, which knows their references. A row never changes its meaning. */
export class BankVault {
  constructor(
    private readonly database: Pool,
    private readonly key: KeyObject,
  ) {}

  /** Written before the event that names the reference; written again by a call that was cut off in between. */
  async keep(reference: string, ownerId: string, account: unknown): Promise<void> {
    await this.database.query(
      `insert into bank_accounts (reference, owner_id, sealed) values ($1, $2, $3)
       on conflict (reference) do update set sealed = excluded.sealed`,
      [reference, ownerId, seal(this.key, `account ${reference} of ${ownerId}`, account)],
    );
  }

  async read<T>(reference: string, ownerId: string): Promise<T> {
    const found = await this.database.query<{ sealed: Buffer }>(
      'select sealed from bank_accounts where reference = $1 and owner_id = $2',
      [reference, ownerId],
    );
    const sealed = found.rows[0]?.sealed;
    if (!sealed) throw new Error(`the vault has no bank account ${reference}`);
    return open<T>(this.key, `account ${reference} of ${ownerId}`, sealed);
  }
}

export async function bankVaultKey(keyDirectory: string): Promise<KeyObject> {
  return secretKey(await loadOrCreateSecret(keyDirectory, 'exchange-settlement-vault'));
}

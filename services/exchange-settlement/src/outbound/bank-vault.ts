import { type MasterUse, type SealedRow, sealRow, type VaultMaster, VaultMasters } from '@tsunagu/vault';
import type { Pool } from 'pg';

export const BANK_VAULT = Symbol('BANK_VAULT');

/** Accounts of organisations, whom nobody erases: the master key seals them without a key of their own in between. */
export const vaultUse: MasterUse = {
  file: 'exchange-settlement-vault',
  table: 'bank_accounts',
  id: 'reference',
  sealed: 'sealed',
  rows: 'bank accounts',
  context: ({ id, owner_id: ownerId }) => `account ${id} of ${ownerId}`,
};

/** A master key was taken out since this process looked: once more is enough. */
const attemptsMax = 2;

/** Bank accounts of payees and payers: encrypted, outside the log, which knows their references. A row never changes its meaning. */
export class BankVault {
  constructor(
    private readonly database: Pool,
    private readonly masters: VaultMasters,
  ) {}

  static async open(database: Pool, keyDirectory: string): Promise<BankVault> {
    return new BankVault(database, await VaultMasters.open(database, keyDirectory, vaultUse));
  }

  /** Written before the event that names the reference; written again by a call that was cut off in between. */
  async keep(reference: string, ownerId: string, account: unknown): Promise<void> {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const master: VaultMaster = await this.masters.wrapping();
      const sealed = sealRow(vaultUse, master, { id: reference, owner_id: ownerId }, account);
      // Locked, so that the master key is not taken out before this is committed.
      const kept = await this.database.query(
        `insert into bank_accounts (reference, owner_id, sealed, master_generation)
         select $1::uuid, $2::text, $3::bytea, $4::int
          where exists (select from vault_masters where generation = $4 for key share)
         on conflict (reference) do update
           set sealed = excluded.sealed, master_generation = excluded.master_generation`,
        [reference, ownerId, sealed, master.generation],
      );
      if (kept.rowCount === 1) return;
      await this.masters.look();
    }
    throw new Error('a bank account was not kept: there was no master key to seal it with');
  }

  async read<T>(reference: string, ownerId: string): Promise<T> {
    const found = await this.database.query<SealedRow>(
      `select reference as id, owner_id, sealed, master_generation from bank_accounts
        where reference = $1 and owner_id = $2`,
      [reference, ownerId],
    );
    const [row] = found.rows;
    if (!row) throw new Error(`the vault has no bank account ${reference}`);
    return this.masters.open<T>(row);
  }
}

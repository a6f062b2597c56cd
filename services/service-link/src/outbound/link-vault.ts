import type { KeyObject } from 'node:crypto';
import { keyedHash, open, seal } from '@tsunagu/vault';
import type { Pool } from 'pg';

/** What the person typed. */
export interface LinkSecrets {
  readonly providerAccountId: string;
  readonly securityCode: string;
}

/** What the provider answered. */
export interface LinkAccount {
  readonly providerAccountRef: string;
  readonly maskedName?: string;
}

/** Account numbers, codes and the provider's references: encrypted, outside the log, deleted when no longer needed. */
export class LinkVault {
  constructor(
    private readonly database: Pool,
    private readonly key: KeyObject,
    /** Never rotated: the streams are named by it. */
    private readonly hashKey: KeyObject,
  ) {}

  /** The name under which an account id can be found again. */
  accountKey(providerId: string, providerAccountId: string): string {
    return keyedHash(this.hashKey, `account id at ${providerId}`, providerAccountId.normalize('NFKC'));
  }

  referenceKey(providerId: string, providerAccountRef: string): string {
    return keyedHash(this.hashKey, `account reference at ${providerId}`, providerAccountRef);
  }

  async keepSecrets(linkId: string, secrets: LinkSecrets): Promise<void> {
    await this.database.query(
      'insert into link_secrets (link_id, sealed) values ($1, $2) on conflict (link_id) do nothing',
      [linkId, seal(this.key, `secrets of ${linkId}`, secrets)],
    );
  }

  async secrets(linkId: string): Promise<LinkSecrets | undefined> {
    const found = await this.database.query<{ sealed: Buffer }>('select sealed from link_secrets where link_id = $1', [
      linkId,
    ]);
    const sealed = found.rows[0]?.sealed;
    return sealed && open<LinkSecrets>(this.key, `secrets of ${linkId}`, sealed);
  }

  async forgetSecrets(linkId: string): Promise<void> {
    await this.database.query('delete from link_secrets where link_id = $1', [linkId]);
  }

  /** Links with secrets that are at least so old (real time): open, or cut off before their first event. */
  async linksWithSecrets(olderThanSeconds: number, limit: number): Promise<readonly string[]> {
    const found = await this.database.query<{ link_id: string }>(
      `select link_id from link_secrets where created_at <= now() - make_interval(secs => $1)
       order by created_at limit $2`,
      [olderThanSeconds, limit],
    );
    return found.rows.map((row) => row.link_id);
  }

  async keepAccount(linkId: string, account: LinkAccount): Promise<void> {
    await this.database.query(
      `insert into link_accounts (link_id, sealed) values ($1, $2)
       on conflict (link_id) do update set sealed = excluded.sealed`,
      [linkId, seal(this.key, `account of ${linkId}`, account)],
    );
  }

  async accounts(linkIds: readonly string[]): Promise<ReadonlyMap<string, LinkAccount>> {
    const found = await this.database.query<{ link_id: string; sealed: Buffer }>(
      'select link_id, sealed from link_accounts where link_id = any($1::uuid[])',
      [linkIds],
    );
    return new Map(
      found.rows.map((row) => [row.link_id, open<LinkAccount>(this.key, `account of ${row.link_id}`, row.sealed)]),
    );
  }

  async forgetAccount(linkId: string): Promise<void> {
    await this.database.query('delete from link_accounts where link_id = $1', [linkId]);
  }
}

import type { KeyObject } from 'node:crypto';
import { inTransaction } from '@tsunagu/event-store';
import { keyedHash, open, seal } from '@tsunagu/vault';
import type { Pool } from 'pg';
import { currentAccount, type Link } from '../domain/link.js';
import { type Authorization, sameText } from './authorization.js';

/** What the person typed. */
export interface TypedSecrets {
  readonly providerAccountId: string;
  readonly securityCode: string;
}

/** What an open link is worked on with: what was typed, or the way over the provider's own page. */
export type LinkSecrets = TypedSecrets | Authorization;

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

  /**
   * Keeps what the provider's page sent back, once: from then on the link is worked on with it. The same return again is `kept` as
   * well. Without a code only the state is looked at.
   */
  takeReturn(linkId: string, state: string, code: string | null): Promise<'kept' | 'used' | 'state_wrong' | 'gone'> {
    return inTransaction(this.database, async (client) => {
      const found = await client.query<{ sealed: Buffer }>(
        'select sealed from link_secrets where link_id = $1 for update',
        [linkId],
      );
      const sealed = found.rows[0]?.sealed;
      const secrets = sealed && open<LinkSecrets>(this.key, `secrets of ${linkId}`, sealed);
      if (!secrets || !('state' in secrets)) return 'gone';
      if (!sameText(secrets.state, state)) return 'state_wrong';
      if (secrets.code !== undefined) return code !== null && sameText(secrets.code, code) ? 'kept' : 'used';
      if (code !== null) {
        await client.query('update link_secrets set sealed = $2 where link_id = $1', [
          linkId,
          seal(this.key, `secrets of ${linkId}`, { ...secrets, code }),
        ]);
      }
      return 'kept';
    });
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

  /** Kept under the key of the provider's reference: which of a link's accounts counts is what the log says. */
  async keepAccount(linkId: string, referenceKey: string, account: LinkAccount): Promise<void> {
    await this.database.query(
      `insert into link_accounts (link_id, reference_key, sealed) values ($1, $2, $3)
       on conflict (link_id, reference_key) do update set sealed = excluded.sealed`,
      [linkId, referenceKey, seal(this.key, `account of ${linkId}`, account)],
    );
  }

  /** Of each link the account that counts, by link id. */
  async accounts(links: readonly Link[]): Promise<ReadonlyMap<string, LinkAccount>> {
    const current = new Map(links.map((link) => [link.request.linkId, currentAccount(link)?.referenceKey]));
    const found = await this.database.query<AccountRow>(
      'select link_id, reference_key, sealed from link_accounts where link_id = any($1::uuid[]) order by reference_key',
      [[...current.keys()]],
    );
    const accounts = new Map<string, LinkAccount>();
    for (const row of found.rows) {
      const wanted = current.get(row.link_id);
      // A row without a key is from before links had more than one account.
      if (wanted === undefined || (row.reference_key !== '' && row.reference_key !== wanted)) continue;
      accounts.set(row.link_id, open<LinkAccount>(this.key, `account of ${row.link_id}`, row.sealed));
    }
    return accounts;
  }

  async account(link: Link): Promise<LinkAccount | undefined> {
    return (await this.accounts([link])).get(link.request.linkId);
  }

  /** All of a link's accounts, under another link's id: what follows a correction is the same accounts. */
  async copyAccounts(fromLinkId: string, toLinkId: string): Promise<void> {
    const found = await this.database.query<AccountRow>(
      'select link_id, reference_key, sealed from link_accounts where link_id = $1',
      [fromLinkId],
    );
    for (const row of found.rows) {
      const account = open<LinkAccount>(this.key, `account of ${fromLinkId}`, row.sealed);
      await this.keepAccount(toLinkId, row.reference_key, account);
    }
  }

  async forgetAccounts(linkId: string): Promise<void> {
    await this.database.query('delete from link_accounts where link_id = $1', [linkId]);
  }

  /** What a crash left behind of links that are over, as the read model lists them. */
  async forgetAccountsOfEndedLinks(): Promise<void> {
    await this.database.query(
      `delete from link_accounts using links
        where links.link_id = link_accounts.link_id and links.state in ('refused', 'ended')`,
    );
  }
}

interface AccountRow {
  readonly link_id: string;
  readonly reference_key: string;
  readonly sealed: Buffer;
}

import type { KeyObject } from 'node:crypto';
import { inTransaction } from '@tsunagu/event-store';
import { keyedHash, type MasterUse, open, PersonKeys, personKeysOf, seal, type VaultMasters } from '@tsunagu/vault';
import type { Pool, PoolClient } from 'pg';
import { currentAccount, type Link, owingEnds } from '../domain/link.js';
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

/** A link, and the person by whose key what is kept of it is sealed. */
export interface OwnedLink {
  readonly linkId: string;
  readonly personId: string;
}

/** What the vault's master key wraps; the first generation sealed the links themselves in earlier releases. */
export const vaultUse: MasterUse = { ...personKeysOf('service-link'), before: ['link_secrets', 'link_accounts'] };

/** Account numbers, codes and the provider's references: encrypted by the person's key, outside the log, deleted when no longer needed. */
export class LinkVault {
  private readonly personKeys: PersonKeys;

  constructor(
    private readonly database: Pool,
    private readonly masters: VaultMasters,
    /** Never rotated: the streams are named by it. */
    private readonly hashKey: KeyObject,
  ) {
    this.personKeys = new PersonKeys(database, masters);
  }

  /** The name under which an account id can be found again. */
  accountKey(providerId: string, providerAccountId: string): string {
    return keyedHash(this.hashKey, `account id at ${providerId}`, providerAccountId.normalize('NFKC'));
  }

  referenceKey(providerId: string, providerAccountRef: string): string {
    return keyedHash(this.hashKey, `account reference at ${providerId}`, providerAccountRef);
  }

  /** Throws `identity.erased` where the person's key has been destroyed. */
  async keepSecrets({ linkId, personId }: OwnedLink, secrets: LinkSecrets): Promise<void> {
    await this.#underKey(personId, (client, key) =>
      client.query(
        `insert into link_secrets (link_id, person_id, sealed, master_generation) values ($1, $2, $3, null)
         on conflict (link_id) do nothing`,
        [linkId, personId, seal(key, secretsOf(linkId), secrets)],
      ),
    );
  }

  async secrets(linkId: string): Promise<LinkSecrets | undefined> {
    const { rows } = await this.database.query<SealedForLink>(`${selectSecrets} where link_id = $1`, [linkId]);
    const [row] = rows;
    return row && open<LinkSecrets>(await this.#keyOf(row), secretsOf(linkId), row.sealed);
  }

  /**
   * Keeps what the provider's page sent back, once: from then on the link is worked on with it. The same return again is `kept` as
   * well. Without a code only the state is looked at.
   */
  takeReturn(linkId: string, state: string, code: string | null): Promise<'kept' | 'used' | 'state_wrong' | 'gone'> {
    return inTransaction(this.database, async (client) => {
      const found = await client.query<SealedForLink>(`${selectSecrets} where link_id = $1 for update of kept`, [
        linkId,
      ]);
      const [row] = found.rows;
      if (!row) return 'gone';
      const key = await this.#keyOf(row, client);
      const secrets = open<LinkSecrets>(key, secretsOf(linkId), row.sealed);
      if (!('state' in secrets)) return 'gone';
      if (!sameText(secrets.state, state)) return 'state_wrong';
      if (secrets.code !== undefined) return code !== null && sameText(secrets.code, code) ? 'kept' : 'used';
      if (code !== null) {
        await client.query('update link_secrets set sealed = $2 where link_id = $1', [
          linkId,
          seal(key, secretsOf(linkId), { ...secrets, code }),
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

  /**
   * Kept under the key of the provider's reference: which of a link's accounts counts is what the log says. Throws `identity.erased`
   * where the person's key has been destroyed.
   */
  async keepAccount({ linkId, personId }: OwnedLink, referenceKey: string, account: LinkAccount): Promise<void> {
    await this.#underKey(personId, (client, key) =>
      client.query(
        `insert into link_accounts (link_id, person_id, reference_key, sealed, master_generation)
         values ($1, $2, $3, $4, null)
         on conflict (link_id, reference_key) do update
           set sealed = excluded.sealed, person_id = excluded.person_id, master_generation = null`,
        [linkId, personId, referenceKey, seal(key, accountOf(linkId), account)],
      ),
    );
  }

  /** Of each link the account that counts, by link id. */
  async accounts(links: readonly Link[]): Promise<ReadonlyMap<string, LinkAccount>> {
    const current = new Map(links.map((link) => [link.request.linkId, currentAccount(link)?.referenceKey]));
    const found = await this.database.query<AccountRow>(
      `${selectAccounts} where link_id = any($1::uuid[]) order by reference_key`,
      [[...current.keys()]],
    );
    const accounts = new Map<string, LinkAccount>();
    for (const row of found.rows) {
      const wanted = current.get(row.link_id);
      // A row without a key is from before links had more than one account.
      if (wanted === undefined || (row.reference_key !== '' && row.reference_key !== wanted)) continue;
      accounts.set(row.link_id, await this.#account(row));
    }
    return accounts;
  }

  async account(link: Link): Promise<LinkAccount | undefined> {
    return (await this.accounts([link])).get(link.request.linkId);
  }

  /** All of a link's accounts, under another link's id: what follows a correction is the same accounts. */
  async copyAccounts(fromLinkId: string, to: OwnedLink): Promise<void> {
    const found = await this.database.query<AccountRow>(`${selectAccounts} where link_id = $1`, [fromLinkId]);
    for (const row of found.rows) await this.keepAccount(to, row.reference_key, await this.#account(row));
  }

  async forgetAccounts(linkId: string): Promise<void> {
    await this.database.query('delete from link_accounts where link_id = $1', [linkId]);
  }

  /** What a crash left behind of links that are over, as the read model lists them, but for links that owe an outcome. */
  async forgetAccountsOfEndedLinks(): Promise<void> {
    await this.database.query(
      `delete from link_accounts using links
        where links.link_id = link_accounts.link_id and links.state in ('refused', 'ended')
          and coalesce(links.reason_code, '') <> all ($1)`,
      [owingEnds],
    );
  }

  /** Links of which an account is kept though they are over. Those of erased persons are not among them: they go with their key. */
  async endedLinksWithAccounts(limit: number): Promise<readonly string[]> {
    const found = await this.database.query<{ link_id: string }>(
      `select distinct link_id from link_accounts join links using (link_id)
        where links.state = 'ended' and links.reason_code = any ($1) and links.reason_code <> 'person_erased'
        limit $2`,
      [owingEnds, limit],
    );
    return found.rows.map((row) => row.link_id);
  }

  /** SHA-256 of the person's key; one is made where there is none, so that there is one to destroy. */
  async keyHash(personId: string): Promise<string> {
    const keyHash = (await this.personKeys.hashes([personId])).get(personId);
    if (keyHash === undefined) throw new Error('a person without a vault key');
    return keyHash;
  }

  /** Links of the person of which an account is kept. */
  async linksWithAccounts(personId: string): Promise<readonly string[]> {
    const found = await this.database.query<{ link_id: string }>(
      `select distinct link_id from link_accounts left join links using (link_id)
        where $1 in (link_accounts.person_id, links.person_id)`,
      [personId],
    );
    return found.rows.map((row) => row.link_id);
  }

  /** Destroys the person's key, which must be that of the hash, and deletes all that it sealed. */
  async erase(personId: string, keyHash: string, nowMs: number): Promise<void> {
    await this.personKeys.destroy(new Map([[personId, keyHash]]), nowMs, async (client) => {
      for (const table of ['link_secrets', 'link_accounts']) {
        await client.query(
          `delete from ${table} where person_id = $1 or link_id in (select link_id from links where person_id = $1)`,
          [personId],
        );
      }
    });
  }

  /** When the key of each was destroyed; those whose key was not are absent. */
  destroyedAt(personIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.personKeys.destroyedAt(personIds);
  }

  /**
   * Seals with the keys of their persons what a release before this one sealed with the master key itself, some rows at a time; those
   * that do not open stay as they are, and keep that master key from being taken out.
   */
  async sealOlder(rowsMax: number): Promise<void> {
    for (const [table, contextOf] of [
      ['link_secrets', secretsOf],
      ['link_accounts', accountOf],
    ] as const) {
      await inTransaction(this.database, async (client) => {
        const { rows } = await client.query<OlderRow>(
          `select kept.ctid::text as place, kept.link_id, kept.sealed, kept.master_generation, links.person_id
             from ${table} kept join links using (link_id) left join vault_keys on vault_keys.person_id = links.person_id
            where kept.master_generation is not null and vault_keys.destroyed_at is null
            order by kept.link_id limit $1 for update of kept skip locked`,
          [rowsMax],
        );
        const keys = await this.personKeys.of(
          client,
          rows.map((row) => row.person_id),
        );
        for (const row of rows) {
          const key = keys.get(row.person_id);
          const value = await this.#older(row, contextOf(row.link_id));
          if (!key || value === undefined) continue;
          await client.query(
            `update ${table} set sealed = $2, person_id = $3, master_generation = null where ctid = $1::tid`,
            [row.place, seal(key, contextOf(row.link_id), value), row.person_id],
          );
        }
      });
    }
  }

  async #older(row: OlderRow, context: string): Promise<unknown> {
    const { key } = await this.masters.master(row.master_generation);
    try {
      return open<unknown>(key, context, row.sealed);
    } catch {
      return undefined;
    }
  }

  async #account(row: AccountRow): Promise<LinkAccount> {
    return open<LinkAccount>(await this.#keyOf(row), accountOf(row.link_id), row.sealed);
  }

  /** The key that a row is sealed with: the person's, or the master key itself in releases before. */
  async #keyOf(row: SealedForLink, client?: PoolClient): Promise<KeyObject> {
    if (row.sealed_by !== null) return (await this.masters.master(row.sealed_by, client)).key;
    const { wrapped } = row;
    // Only where somebody put a copy of the row back.
    if (wrapped === null) throw new Error('the key that sealed this has been destroyed');
    return this.personKeys.unwrap({ ...row, wrapped }, client);
  }

  async #underKey(personId: string, work: (client: PoolClient, key: KeyObject) => Promise<unknown>): Promise<void> {
    await inTransaction(this.database, async (client) => {
      const key = (await this.personKeys.of(client, [personId])).get(personId);
      if (!key) throw new Error('a person without a vault key');
      await work(client, key);
    });
  }
}

/** A row of either table with the wrapped key of its person. */
interface SealedForLink {
  readonly sealed: Buffer;
  readonly sealed_by: number | null;
  readonly person_id: string;
  readonly wrapped: Buffer | null;
  readonly master_generation: number;
}

interface AccountRow extends SealedForLink {
  readonly link_id: string;
  readonly reference_key: string;
}

interface OlderRow {
  readonly place: string;
  readonly link_id: string;
  readonly sealed: Buffer;
  readonly master_generation: number;
  readonly person_id: string;
}

const sealedForLink = `kept.sealed, kept.master_generation as sealed_by, kept.person_id, keys.wrapped, keys.master_generation`;
const selectSecrets = `select ${sealedForLink} from link_secrets kept left join vault_keys keys using (person_id)`;
const selectAccounts = `select kept.link_id, kept.reference_key, ${sealedForLink}
  from link_accounts kept left join vault_keys keys using (person_id)`;

function secretsOf(linkId: string): string {
  return `secrets of ${linkId}`;
}

function accountOf(linkId: string): string {
  return `account of ${linkId}`;
}

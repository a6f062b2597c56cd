import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import type { CardAuthority } from './card-authority.js';
import { authorityFrom, createAuthority } from './card-authority.js';

/** What the issuer knows of the person a card belongs to. */
export interface CardHolder {
  readonly name: string;
  /** YYYY-MM-DD. */
  readonly birthDate: string;
  /** Municipality code of five digits. */
  readonly residence: string;
  readonly sex: '1' | '2' | '3';
}

export interface CertificateRecord {
  readonly authority: string;
  readonly serial: string;
  /** SHA-256 of the DER, hex. */
  readonly sha256: string;
}

/** One card: an authentication certificate and, from 15 on, a signature certificate. */
export interface IssuedCard {
  readonly type: 'issued';
  readonly authentication: CertificateRecord;
  readonly signature: CertificateRecord | null;
  readonly issuingPoint: string;
  readonly holder: CardHolder;
  /** SHA-256 of the authentication certificate that this card follows, as the link data tells it. */
  readonly predecessor: string | null;
}

export interface Revocation {
  readonly type: 'revoked';
  readonly sha256: string;
  readonly reason: RevocationReason;
  /** ISO 8601 by the platform's clock. */
  readonly at: string;
}

export const revocationReasons = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
] as const;
export type RevocationReason = (typeof revocationReasons)[number];

const generations = [1, 2] as const;

/**
 * The test issuer's books in a directory: CA keys, pinned CA certificates (`trusted/*.pem`, what verifiers trust) and a journal that
 * is only appended to. The command line writes, the platform's issuer handler follows: one write is one batch of whole lines.
 */
export class IssuerStore {
  private readonly cards = new Map<string, IssuedCard>();
  private readonly certificates = new Map<string, CertificateRecord & { readonly issuingPoint: string }>();
  private readonly revoked = new Map<string, Revocation>();
  private readonly revokedByPoint = new Map<string, { record: CertificateRecord; revocation: Revocation }[]>();
  private readBytes = 0;

  private constructor(
    readonly directory: string,
    readonly authorities: ReadonlyMap<string, CardAuthority>,
  ) {}

  /** Opens the books; makes them, with two generations of each CA, where there are none. */
  static async open(directory: string): Promise<IssuerStore> {
    if (!existsSync(join(directory, 'trusted'))) await create(directory);
    const trusted = IssuerStore.trustDirectory(directory);
    const authorities = await Promise.all(
      readdirSync(trusted).map((file) => {
        const id = basename(file, '.pem');
        const privateKey = readFileSync(join(directory, 'keys', `${id}.der`));
        return authorityFrom(id, readFileSync(join(trusted, file), 'utf8'), privateKey);
      }),
    );
    return new IssuerStore(directory, new Map(authorities.map((authority) => [authority.id, authority])));
  }

  /** The directory of pinned CA certificates, for verifiers. */
  static trustDirectory(directory: string): string {
    return join(directory, 'trusted');
  }

  authority(id: string): CardAuthority {
    const authority = this.authorities.get(id);
    if (!authority) throw new Error(`the test issuer has no authority ${id}`);
    return authority;
  }

  record(entries: readonly (IssuedCard | Revocation)[]): void {
    if (entries.length === 0) return;
    appendFileSync(this.journal, `${entries.map((entry) => JSON.stringify(entry)).join('\n')}\n`, { mode: 0o600 });
  }

  card(sha256: string): IssuedCard | undefined {
    this.follow();
    return this.cards.get(sha256);
  }

  /** Authentication certificates before this card's, nearest first. */
  predecessors(card: IssuedCard): readonly string[] {
    const found: string[] = [];
    for (let at = card.predecessor; at !== null && !found.includes(at); at = this.cards.get(at)?.predecessor ?? null) {
      found.push(at);
    }
    return found;
  }

  revocation(sha256: string): Revocation | undefined {
    this.follow();
    return this.revoked.get(sha256);
  }

  revocations(
    authority: string,
    issuingPoint: string,
  ): readonly { record: CertificateRecord; revocation: Revocation }[] {
    this.follow();
    return this.revokedByPoint.get(`${authority}/${issuingPoint}`) ?? [];
  }

  private get journal(): string {
    return join(this.directory, 'journal.jsonl');
  }

  /** Reads what was appended since; a line without its end is left for later. */
  private follow(): void {
    if (!existsSync(this.journal)) return;
    const file = openSync(this.journal, 'r');
    try {
      const bytes = fstatSync(file).size - this.readBytes;
      if (bytes <= 0) return;
      const buffer = Buffer.alloc(bytes);
      readSync(file, buffer, 0, bytes, this.readBytes);
      const end = buffer.lastIndexOf(10) + 1;
      this.readBytes += end;
      for (const line of buffer.toString('utf8', 0, end).split('\n')) {
        if (line !== '') this.enter(JSON.parse(line) as IssuedCard | Revocation);
      }
    } finally {
      closeSync(file);
    }
  }

  private enter(entry: IssuedCard | Revocation): void {
    if (entry.type === 'issued') {
      this.cards.set(entry.authentication.sha256, entry);
      for (const record of [entry.authentication, entry.signature]) {
        if (record) this.certificates.set(record.sha256, { ...record, issuingPoint: entry.issuingPoint });
      }
      return;
    }
    const certificate = this.certificates.get(entry.sha256);
    // A revoked certificate stays revoked for its first reason.
    if (!certificate || this.revoked.has(entry.sha256)) return;
    this.revoked.set(entry.sha256, entry);
    const point = `${certificate.authority}/${certificate.issuingPoint}`;
    const known = this.revokedByPoint.get(point) ?? [];
    known.push({ record: certificate, revocation: entry });
    this.revokedByPoint.set(point, known);
  }
}

/** Made beside and renamed piece by piece, `trusted` last: whoever sees it sees all. */
async function create(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const half = mkdtempSync(join(directory, '.new-'));
  for (const part of ['keys', 'trusted']) mkdirSync(join(half, part), { mode: 0o700 });
  const made = await Promise.all(
    (['authentication', 'signature'] as const).flatMap((kind) =>
      generations.map((generation) => createAuthority(kind, generation)),
    ),
  );
  for (const { id, certificate, privateKey } of made) {
    writeFileSync(join(half, 'keys', `${id}.der`), privateKey, { mode: 0o600 });
    writeFileSync(join(half, 'trusted', `${id}.pem`), certificate.toString('pem'));
  }
  try {
    renameSync(join(half, 'keys'), join(directory, 'keys'));
    renameSync(join(half, 'trusted'), join(directory, 'trusted'));
  } catch (error) {
    // Another process was quicker: its books count, once they are complete.
    for (let tries = 0; !existsSync(join(directory, 'trusted')); tries += 1) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
}

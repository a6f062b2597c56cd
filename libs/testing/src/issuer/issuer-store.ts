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
  /** Others that it follows too: the contradiction of a card that continues two. */
  readonly alsoFollows?: readonly string[];
}

/** An authentication certificate in a phone, valid beside the one of the card it was made with. */
export interface IssuedPhone {
  readonly type: 'phone';
  readonly authentication: CertificateRecord;
  readonly issuingPoint: string;
  /** SHA-256 of the card's authentication certificate. */
  readonly card: string;
}

/** A new signature certificate on the same card: the person's name or address changed. */
export interface ChangedAttributes {
  readonly type: 'changed';
  /** SHA-256 of the card's authentication certificate. */
  readonly card: string;
  readonly signature: CertificateRecord;
  readonly holder: CardHolder;
}

export interface Revocation {
  readonly type: 'revoked';
  readonly sha256: string;
  readonly reason: RevocationReason;
  /** ISO 8601 by the platform's clock. */
  readonly at: string;
}

export type JournalEntry = IssuedCard | IssuedPhone | ChangedAttributes | Revocation;

/** What the books hold of the certificates tied to one authentication certificate. Hashes are SHA-256 of the DER, hex. */
export interface Ties {
  /** Authentication certificates before it, nearest first. */
  readonly predecessors: readonly string[];
  /** The phones of a card and of those before it, the card of a phone and those before it; newest first. */
  readonly siblings: readonly string[];
  /** The signature certificate of the same card; a phone has none. */
  readonly signatureCertificate: string | null;
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
  private readonly phones = new Map<string, IssuedPhone>();
  /** By the card's hash, newest first. */
  private readonly phonesOfCard = new Map<string, readonly string[]>();
  /** The card's hash by that of each signature certificate it ever had. */
  private readonly cardsOfSignature = new Map<string, string>();
  private readonly certificates = new Map<string, CertificateRecord & { readonly issuingPoint: string }>();
  /** `<authority>/<serial>` to hash. */
  private readonly serials = new Map<string, string>();
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

  record(entries: readonly JournalEntry[]): void {
    if (entries.length === 0) return;
    appendFileSync(this.journal, `${entries.map((entry) => JSON.stringify(entry)).join('\n')}\n`, { mode: 0o600 });
  }

  card(sha256: string): IssuedCard | undefined {
    this.follow();
    return this.cards.get(sha256);
  }

  /** Undefined for an authentication certificate that is not in the books. */
  ties(sha256: string): Ties | undefined {
    this.follow();
    const card = this.cards.get(sha256);
    if (card) {
      const predecessors = this.predecessors(sha256);
      const siblings = [sha256, ...predecessors].flatMap((each) => this.phonesOfCard.get(each) ?? []);
      return { predecessors, siblings, signatureCertificate: card.signature?.sha256 ?? null };
    }
    const phone = this.phones.get(sha256);
    if (!phone) return undefined;
    const cards = [phone.card, ...this.predecessors(phone.card)];
    const phones = cards.flatMap((each) => this.phonesOfCard.get(each) ?? []);
    const predecessors = phones.slice(phones.indexOf(sha256) + 1);
    return { predecessors, siblings: cards, signatureCertificate: null };
  }

  /** The authentication certificate of the card that a signature certificate is on; undefined for one that is not in the books. */
  cardOfSignature(sha256: string): string | undefined {
    this.follow();
    return this.cardsOfSignature.get(sha256);
  }

  /** The hash of the certificate that an authority gave this serial number (hex, leading zeros do not count). */
  certificateOf(authority: string, serial: string): string | undefined {
    this.follow();
    return this.serials.get(`${authority}/${plainSerial(serial)}`);
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

  /** Authentication certificates before a card's, nearest first. */
  private predecessors(card: string): readonly string[] {
    const found = new Set<string>();
    const follow = [card];
    for (const at of follow) {
      const { predecessor, alsoFollows = [] } = this.cards.get(at) ?? { predecessor: null };
      for (const next of [predecessor, ...alsoFollows]) {
        if (next === null || next === card || found.has(next)) continue;
        found.add(next);
        follow.push(next);
      }
    }
    return [...found];
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
        if (line !== '') this.enter(JSON.parse(line) as JournalEntry);
      }
    } finally {
      closeSync(file);
    }
  }

  private enter(entry: JournalEntry): void {
    switch (entry.type) {
      case 'issued':
        this.cards.set(entry.authentication.sha256, entry);
        this.enterCertificate(entry.authentication, entry.issuingPoint);
        if (entry.signature) {
          this.enterCertificate(entry.signature, entry.issuingPoint);
          this.cardsOfSignature.set(entry.signature.sha256, entry.authentication.sha256);
        }
        return;
      case 'phone': {
        const { sha256 } = entry.authentication;
        this.phones.set(sha256, entry);
        this.phonesOfCard.set(entry.card, [sha256, ...(this.phonesOfCard.get(entry.card) ?? [])]);
        this.enterCertificate(entry.authentication, entry.issuingPoint);
        return;
      }
      case 'changed': {
        const card = this.cards.get(entry.card);
        if (!card) return;
        this.cards.set(entry.card, { ...card, signature: entry.signature, holder: entry.holder });
        this.enterCertificate(entry.signature, card.issuingPoint);
        this.cardsOfSignature.set(entry.signature.sha256, entry.card);
        return;
      }
      case 'revoked':
        this.enterRevocation(entry);
    }
  }

  private enterCertificate(record: CertificateRecord, issuingPoint: string): void {
    this.certificates.set(record.sha256, { ...record, issuingPoint });
    this.serials.set(`${record.authority}/${plainSerial(record.serial)}`, record.sha256);
  }

  private enterRevocation(entry: Revocation): void {
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

function plainSerial(serial: string): string {
  return serial.toLowerCase().replace(/^0+/, '');
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

import { createHash, generateKeyPair, randomBytes, randomInt } from 'node:crypto';
import { promisify } from 'node:util';
import { addMonths, ageAt, type JapanDay, japanDay, japanDayOf, startOfDay } from '@tsunagu/kernel';
import { issueLeaf } from './card-authority.js';
import type { CardHolder, CertificateRecord, IssuedCard, IssuerStore } from './issuer-store.js';
import { testAddress } from './test-addresses.js';

/** A card as the command line writes it: DER in base64, private keys PKCS #8. */
export interface Card {
  readonly certificate: string;
  readonly privateKey: string;
  /** Absent under 15. */
  readonly signatureCertificate?: string;
  readonly signaturePrivateKey?: string;
  readonly subject: string;
}

export interface KeyPair {
  /** PKCS #8, DER. */
  readonly privateKey: Buffer;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
}

export type KeySource = () => Promise<KeyPair>;

const generate = promisify(generateKeyPair);
const surnames = ['試験', '見本', '仮名', '例示', '架空'];
const givenNames = ['一郎', '花子', '次郎', '桜', '健', '葵', '誠', '楓'];
const signatureFromAge = 15;

/** A new RSA-2048 pair each time: 50–200 ms. */
export const freshKeys: KeySource = async () => {
  const { publicKey, privateKey } = await generate('rsa', { modulusLength: 2048, publicExponent: 65537 });
  return {
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }),
    publicKey: publicKey.export({ format: 'der', type: 'spki' }),
  };
};

/** Shares so many pairs among all cards, for load tests and specs. */
export function keyPool(size: number): KeySource {
  const made: Promise<KeyPair>[] = [];
  let next = 0;
  return () => {
    const index = next++ % size;
    made[index] ??= freshKeys();
    return made[index];
  };
}

export interface NewCardOptions {
  /** YYYY-MM-DD. */
  readonly birthDate?: string;
  /** Municipality code, the card's issuing point too. */
  readonly residence?: string;
  readonly name?: string;
  readonly keys?: KeySource;
  /** ms; issue time by the platform's clock. */
  readonly nowMs: number;
  readonly generation?: 1 | 2;
  /** The certificate's CN, for tests of collisions; made up where absent. */
  readonly commonName?: string;
}

/** First issue of a card for a new person. */
export async function newCard(store: IssuerStore, options: NewCardOptions): Promise<Card> {
  const { card, entry } = await makeCard(store, newHolder(options), null, options);
  store.record([entry]);
  return card;
}

/** Many at once, written to the journal in batches. `progress` hears how many are done. */
export async function newCards(
  store: IssuerStore,
  count: number,
  options: NewCardOptions,
  progress?: (done: number) => void,
): Promise<Card[]> {
  const cards: Card[] = [];
  while (cards.length < count) {
    const batch = await Promise.all(
      Array.from({ length: Math.min(200, count - cards.length) }, () =>
        makeCard(store, newHolder(options), null, options),
      ),
    );
    store.record(batch.map(({ entry }) => entry));
    cards.push(...batch.map(({ card }) => card));
    progress?.(cards.length);
  }
  return cards;
}

export function certificateHash(base64: string): string {
  return createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex');
}

function newHolder(options: NewCardOptions): CardHolder {
  const name = options.name ?? `${pick(surnames)}${pick(givenNames)}${randomInt(1_000_000)}`;
  const residence = options.residence ?? '13101';
  testAddress(residence, 1);
  return { name, birthDate: japanDay(options.birthDate ?? '1990-04-01'), residence, sex: pick(['1', '2'] as const) };
}

interface MakingOptions {
  readonly nowMs: number;
  readonly keys?: KeySource;
  readonly generation?: 1 | 2;
  readonly commonName?: string;
}

/** A card and what the books are to say of it, not yet recorded. */
export async function makeCard(
  store: IssuerStore,
  holder: CardHolder,
  predecessor: string | null,
  options: MakingOptions,
): Promise<{ card: Card; entry: IssuedCard }> {
  const today = japanDayOf(options.nowMs);
  const birthDate = japanDay(holder.birthDate);
  const notAfter = endOfValidity(birthDate, today);
  const generation = options.generation ?? 1;
  const authentication = await makeCertificate(store, `authentication-${generation}`, holder, { ...options, notAfter });
  const signature =
    ageAt(birthDate, today) >= signatureFromAge
      ? await makeCertificate(store, `signature-${generation}`, holder, { ...options, notAfter })
      : undefined;
  return {
    card: {
      certificate: authentication.certificate,
      privateKey: authentication.privateKey,
      ...(signature && { signatureCertificate: signature.certificate, signaturePrivateKey: signature.privateKey }),
      subject: authentication.subject,
    },
    entry: {
      type: 'issued',
      authentication: authentication.record,
      signature: signature?.record ?? null,
      issuingPoint: holder.residence,
      holder,
      predecessor,
    },
  };
}

/** One certificate with a key of its own. A signature authority writes the holder's attributes into it. */
export async function makeCertificate(
  store: IssuerStore,
  authorityId: string,
  holder: CardHolder,
  options: MakingOptions & { readonly notAfter: Date; readonly issuingPoint?: string },
): Promise<{ record: CertificateRecord; certificate: string; privateKey: string; subject: string }> {
  const authority = store.authority(authorityId);
  const pair = await (options.keys ?? freshKeys)();
  const commonName = options.commonName ?? newCommonName(holder.residence);
  const birthDate = japanDay(holder.birthDate);
  const leaf = await issueLeaf(authority, {
    commonName,
    publicKey: pair.publicKey,
    issuingPoint: options.issuingPoint ?? holder.residence,
    // A minute back: the process that checks may follow a moved clock a moment later.
    notBefore: new Date(Math.floor(options.nowMs / 1000) * 1000 - 60_000),
    notAfter: options.notAfter,
    toldByOcsp: true,
    ...(authority.kind === 'signature' && {
      attributes: {
        name: holder.name,
        address: testAddress(holder.residence, randomInt(1, 100)),
        birthDate: `${era(birthDate)}${birthDate.replaceAll('-', '')}`,
        sex: holder.sex,
      },
    }),
  });
  return {
    record: {
      authority: authority.id,
      serial: leaf.serial,
      sha256: createHash('sha256').update(leaf.der).digest('hex'),
    },
    certificate: leaf.der.toString('base64'),
    privateKey: pair.privateKey.toString('base64'),
    subject: `CN=${commonName}, O=JPKI-TEST, C=JP`,
  };
}

/** The end of the fifth birthday after the day of issue. */
function endOfValidity(birthDate: JapanDay, issued: JapanDay): Date {
  let birthdays = Number(issued.slice(0, 4)) - Number(birthDate.slice(0, 4));
  if (addMonths(birthDate, birthdays * 12) <= issued) birthdays += 1;
  const fifth = addMonths(birthDate, (birthdays + 4) * 12);
  return new Date(startOfDay(fifth) + 86_400_000 - 1_000);
}

/** 23 characters: 14 random of A–Z and 0–9, then 9 of the issuing terminal, such as `07202002B` (DOMAIN §1). */
function newCommonName(residence: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
  const own = Array.from(randomBytes(14), () => alphabet.charAt(randomInt(alphabet.length))).join('');
  return `${own}${residence}001A`;
}

/** 1 Meiji to 5 Reiwa, by first days of each era. */
function era(day: JapanDay): number {
  return ['1868-10-23', '1912-07-30', '1926-12-25', '1989-01-08', '2019-05-01'].filter((first) => first <= day).length;
}

function pick<T>(choices: readonly T[]): T {
  const picked = choices[randomInt(choices.length)];
  if (picked === undefined) throw new RangeError('nothing to choose from');
  return picked;
}

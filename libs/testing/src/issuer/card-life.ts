import { X509Certificate } from 'node:crypto';
import { isoTime } from '@tsunagu/kernel';
import { type Card, certificateHash, type KeySource, makeCard, makeCertificate } from './card.js';
import type { IssuedCard, IssuerStore, RevocationReason } from './issuer-store.js';

export interface LifeOptions {
  /** ms by the platform's clock. */
  readonly nowMs: number;
  readonly keys?: KeySource;
}

export interface NextCardOptions extends LifeOptions {
  /** Municipality code, where the person moved meanwhile. */
  readonly residence?: string;
  readonly withoutLink?: boolean;
  readonly oldStaysValid?: boolean;
  readonly generation?: 1 | 2;
  /** Another card that the new one follows too, which cannot be: a contradiction in the link data. */
  readonly alsoFollows?: Card;
}

/**
 * The next card of the same person. The old certificates are revoked as superseded unless told otherwise, the phone's always are,
 * and link data ties new to old unless `withoutLink`.
 */
export async function renewCard(store: IssuerStore, old: Card, options: NextCardOptions): Promise<Card> {
  const before = issuedCard(store, old);
  const holder = { ...before.holder, ...(options.residence !== undefined && { residence: options.residence }) };
  const predecessor = options.withoutLink ? null : before.authentication.sha256;
  const { card, entry } = await makeCard(store, holder, predecessor, options);
  const alsoFollows = options.alsoFollows && [issuedCard(store, options.alsoFollows).authentication.sha256];
  store.record([{ ...entry, ...(alsoFollows && { alsoFollows }) }]);
  if (!options.oldStaysValid) revokeCard(store, old, { nowMs: options.nowMs, reason: 'superseded' });
  endPhones(store, before.authentication.sha256, options.nowMs);
  return card;
}

/** Puts a lost card on hold, for ever: a card that is found again gets new certificates (`reissueCard`). */
export function holdCard(store: IssuerStore, card: Card, { nowMs }: LifeOptions): void {
  revokeCard(store, card, { nowMs, reason: 'certificateHold' });
}

/** New certificates for a card on hold or lost; link data names the old ones, which stay as they are. */
export function reissueCard(store: IssuerStore, old: Card, options: NextCardOptions): Promise<Card> {
  return renewCard(store, old, { ...options, oldStaysValid: true });
}

/**
 * The same card after a change of name or address: a new signature certificate, the old one revoked as affiliationChanged. The
 * authentication certificate goes on, and link data ties it to the new one.
 */
export async function changeAttributes(
  store: IssuerStore,
  card: Card,
  options: LifeOptions & { readonly name?: string; readonly residence?: string },
): Promise<Card> {
  const { authentication, signature, holder, issuingPoint } = issuedCard(store, card);
  if (!signature) throw new RangeError('this card has no signature certificate');
  const changed = {
    ...holder,
    ...(options.name !== undefined && { name: options.name }),
    ...(options.residence !== undefined && { residence: options.residence }),
  };
  const made = await makeCertificate(store, signature.authority, changed, {
    ...options,
    notAfter: endOf(card),
    issuingPoint,
  });
  store.record([
    { type: 'changed', card: authentication.sha256, signature: made.record, holder: changed },
    { type: 'revoked', sha256: signature.sha256, reason: 'affiliationChanged', at: isoTime(options.nowMs) },
  ]);
  return { ...card, signatureCertificate: made.certificate, signaturePrivateKey: made.privateKey };
}

/** An authentication certificate in the person's phone, valid as long as the card's. Any phone before it is superseded. */
export async function issuePhone(store: IssuerStore, card: Card, options: LifeOptions): Promise<Card> {
  const { authentication, holder, issuingPoint } = issuedCard(store, card);
  const made = await makeCertificate(store, authentication.authority, holder, {
    ...options,
    notAfter: endOf(card),
    issuingPoint,
  });
  endPhones(store, authentication.sha256, options.nowMs);
  store.record([{ type: 'phone', authentication: made.record, issuingPoint, card: authentication.sha256 }]);
  return { certificate: made.certificate, privateKey: made.privateKey, subject: made.subject };
}

/** Revokes both certificates of a card. `affiliationChanged` concerns the signature certificate only: the person moved. */
export function revokeCard(
  store: IssuerStore,
  card: Card,
  options: { readonly nowMs: number; readonly reason?: RevocationReason },
): void {
  const { authentication, signature } = issuedCard(store, card);
  const reason = options.reason ?? 'keyCompromise';
  const concerned = [reason === 'affiliationChanged' ? null : authentication, signature];
  revoke(
    store,
    concerned.flatMap((record) => (record ? [record.sha256] : [])),
    reason,
    options.nowMs,
  );
}

function endPhones(store: IssuerStore, card: string, nowMs: number): void {
  const phones = store.ties(card)?.siblings ?? [];
  revoke(
    store,
    phones.filter((phone) => !store.revocation(phone)),
    'superseded',
    nowMs,
  );
}

function revoke(store: IssuerStore, hashes: readonly string[], reason: RevocationReason, nowMs: number): void {
  store.record(hashes.map((sha256) => ({ type: 'revoked', sha256, reason, at: isoTime(nowMs) })));
}

function issuedCard(store: IssuerStore, card: Card): IssuedCard {
  const issued = store.card(certificateHash(card.certificate));
  if (!issued) throw new RangeError('this card is not one of the test issuer');
  return issued;
}

function endOf(card: Card): Date {
  return new Date(new X509Certificate(Buffer.from(card.certificate, 'base64')).validTo);
}

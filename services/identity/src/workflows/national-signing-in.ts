import { hash, randomBytes } from 'node:crypto';
import { appendOne, type EventLog, type StreamWrite } from '@tsunagu/event-store';
import { type Clock, isoTime, newId, ok, type Result, refuse } from '@tsunagu/kernel';
import { certificateStream } from '../domain/certificate.js';
import { hasWithdrawn } from '../domain/consent.js';
import { personStream } from '../domain/person.js';
import { tiedPerson } from '../domain/sign-in.js';
import { decideLogin, type LoggedIn, personOfSubject, type SubjectBound, subjectStream } from '../domain/subject.js';
import type { BegunLogins, TakingRefusal } from '../outbound/begun-logins.js';
import { attributesOfLogin } from '../outbound/login-attributes.js';
import type { NationalLogin } from '../outbound/national-login.js';
import type { LoginRefusal, LoginReturn, LoginSecrets, ProvenLogin } from '../outbound/openid-login.js';
import type { Vault } from '../outbound/vault.js';
import { actOf, domainEvents } from '../recording.js';
import { type Attributes, namesRead } from '../verification/attributes.js';
import type { Contradictions } from './contradictions.js';
import { type PersonRead, readPerson } from './known-persons.js';
import type { LoginSignatures, ProvenCard, SignatureRefusal } from './login-signatures.js';
import { holdersOf } from './persons-of-cards.js';
import type { RecordingAttributes } from './recording-attributes.js';
import type { Survivors } from './survivors.js';

/** A lost race finds the subject's person at the next look; other acts of a session's person may come between. */
const attemptsMax = 20;
/** Of the bytes that a card signs in a login. */
const messageBytes = 32;

/** The citizen's session that a login is to be joined in: begun and completed with its token. */
export interface OwnSession {
  readonly personId: string;
  readonly tokenId: string;
}

/** What waits for the person to come back. */
export interface NationalLoginSecrets extends LoginSecrets {
  /** The bytes that the card is to sign in this login and no other, base64url, and where the login tells what came of it. */
  readonly signing?: { readonly message: string; readonly transactionId: string };
  /** Of a completion that met an outage after the code was spent: that code's SHA-256, and what it was exchanged for. */
  readonly exchanged?: Pick<ProvenLogin, 'subject' | 'accessToken'> & { readonly codeHash: string };
}

export interface NationalSigningInParts {
  readonly login: Pick<NationalLogin, 'settings' | 'signs' | 'begin' | 'beginSigning' | 'complete' | 'told'>;
  readonly begun: Pick<BegunLogins<NationalLoginSecrets>, 'keep' | 'take' | 'giveBack'>;
  readonly vault: Pick<Vault, 'attributes' | 'myKeyId' | 'subjectRef' | 'certificateRef'>;
  readonly signatures: Pick<LoginSignatures, 'check'>;
  readonly recording: RecordingAttributes;
  readonly survivors: Survivors;
  readonly contradictions: Contradictions;
  readonly log: EventLog;
  readonly clock: Clock;
}

type FindingRefusal = 'identity.under_review' | 'identity.erased';

/** Nothing is known of the person's proof: the same completion may come again. */
const outages: readonly string[] = [
  'identity.login_unavailable',
  'identity.lineage_unavailable',
  'identity.revocation_unavailable',
  'identity.busy',
];

/** From the national login's answer to a person. */
export class NationalSigningIn {
  constructor(private readonly parts: NationalSigningInParts) {}

  get name(): string {
    return this.parts.login.settings.name;
  }

  /** Whether the platform uses the login's signing function. */
  get signs(): boolean {
    return this.parts.login.signs;
  }

  async begin(
    session: OwnSession | null,
    { sign }: { readonly sign: boolean },
  ): Promise<Result<{ loginId: string; authorizationUrl: string; expiresAtMs: number }, LoginRefusal>> {
    const { login, begun } = this.parts;
    const tokenId = session?.tokenId ?? null;
    if (!sign) {
      const plain = await login.begin();
      if (!plain.ok) return plain;
      const { authorizationUrl, secrets } = plain.value;
      return ok({ authorizationUrl, ...(await begun.keep(secrets, tokenId)) });
    }
    const message = randomBytes(messageBytes);
    const signing = await login.beginSigning(message);
    if (!signing.ok) return signing;
    const { authorizationUrl, secrets, transactionId } = signing.value;
    const kept = { ...secrets, signing: { message: message.toString('base64url'), transactionId } };
    return ok({ authorizationUrl, ...(await begun.keep(kept, tokenId)) });
  }

  async complete(
    loginId: string,
    returned: LoginReturn & { readonly state: string; readonly consent?: boolean },
    session: OwnSession | null,
    correlationId: string,
  ): Promise<
    Result<
      { personId: string; myKeyId: string | null },
      TakingRefusal | LoginRefusal | SignatureRefusal | FindingRefusal
    >
  > {
    const { begun, vault } = this.parts;
    const taken = await begun.take(loginId, returned.state, session?.tokenId ?? null);
    if (!taken.ok) return taken;
    const proven = await this.exchange(returned, taken.value);
    if (!proven.ok) {
      if (outages.includes(proven.refusal.code)) await begun.giveBack(loginId, taken.value);
      return proven;
    }
    const told = await this.told(proven.value, taken.value);
    if (!told.ok) {
      const { subject, accessToken } = proven.value;
      const exchanged = { subject, accessToken, codeHash: hash('sha256', returned.code) };
      if (outages.includes(told.refusal.code)) await begun.giveBack(loginId, { ...taken.value, exchanged });
      return told;
    }
    const found = await this.find(proven.value.subject, told.value, session, correlationId);
    if (!found.ok) return found;
    const personId = found.value;
    // A card tells all that the login does, and is the better source.
    const read = told.value.card?.read ?? told.value.read;
    await this.record(personId, read, returned.consent === true, correlationId);
    return ok({ personId, myKeyId: (await vault.myKeyId(personId)) ?? null });
  }

  /** Once for each code, also where an outage came after it. */
  private async exchange(
    returned: LoginReturn,
    kept: NationalLoginSecrets,
  ): Promise<Result<Pick<ProvenLogin, 'subject' | 'accessToken'>, LoginRefusal>> {
    if (!kept.exchanged) return this.parts.login.complete(returned, kept);
    const isSame = kept.exchanged.codeHash === hash('sha256', returned.code);
    return isSame ? ok(kept.exchanged) : refuse('identity.login_invalid');
  }

  /** What the login tells, and the card that signed in it where one was to. */
  private async told(
    proven: Pick<ProvenLogin, 'subject' | 'accessToken'>,
    { signing }: NationalLoginSecrets,
  ): Promise<Result<Told, LoginRefusal | SignatureRefusal>> {
    const { login, signatures, clock } = this.parts;
    const told = await login.told(proven, signing?.transactionId);
    if (!told.ok) return told;
    const { claims, signature } = told.value;
    const read = attributesOfLogin(claims, isoTime(clock.now()));
    if (!signing || !signature) return ok({ read, card: undefined });
    const card = await signatures.check(signature, Buffer.from(signing.message, 'base64url'));
    return card.ok ? ok({ read, card: card.value }) : card;
  }

  /** The subject's one person, however many logins complete and cards are tapped at the same moment. */
  private async find(
    subject: string,
    { read, card }: Told,
    session: OwnSession | null,
    correlationId: string,
  ): Promise<Result<string, FindingRefusal>> {
    const { log, vault, login, clock, survivors, contradictions } = this.parts;
    const { issuer } = login.settings;
    const subjectRef = vault.subjectRef(issuer, subject);
    const own = subjectStream(subjectRef);
    const refsOf = (hashes: readonly string[] = []) => hashes.map((certificate) => vault.certificateRef(certificate));
    const [ownRefs, linkedRefs] = [refsOf(card?.ownHashes), refsOf(card?.linkedHashes)];
    const looked = [...new Set([own, ...[...ownRefs, ...linkedRefs].map(certificateStream)])];
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const streams = await log.readStreams(looked);
      const tied = await this.tied(ownRefs, linkedRefs, streams);
      if ('outcome' in tied) {
        const [certificateRef = ''] = ownRefs;
        await contradictions.open(certificateRef, tied.personIds, correlationId);
        return refuse('identity.under_review', { detail: 'Link data ties this card to more than one person.' });
      }
      const boundTo = personOfSubject(domainEvents<SubjectBound>(streams, own));
      if (boundTo !== undefined && !session && !card) {
        const { personId, erasureId } = await survivors.one(boundTo);
        return erasureId === null ? ok(personId) : refuse('identity.erased');
      }
      const holder = await this.person(boundTo);
      const joined = await this.person(session?.personId);
      const ofCard = await this.person(tied.holder?.boundTo);
      if ([holder, joined, ofCard].some((person) => person && person.erasureId !== null)) {
        return refuse('identity.erased');
      }
      const decided = decideLogin({
        subjectRef,
        issuer,
        holder,
        birthDate: read.birthDate,
        session: joined ?? null,
        signature: card ? { holder: ofCard, freeRefs: tied.freeRefs, birthDate: card.read.birthDate } : null,
        newPersonId: newId(clock.now()),
      });
      if (decided.outcome === 'contradiction') {
        // The other login or card that a person has may be this one, bound since it was looked at.
        const again = await log.readStreams(looked);
        if (looked.some((name) => again.get(name)?.length !== streams.get(name)?.length)) continue;
        await contradictions.openPairs(decided.personIds, correlationId);
        return refuse('identity.under_review', { detail: decided.detail });
      }
      const known = [ofCard, joined, holder].find((person) => person?.boundTo === decided.boundTo);
      const writes = this.writes(decided, known?.revision ?? 'noStream', correlationId);
      if (writes.length === 0 || (await appendOne(log, { writes }))) return ok(decided.personId);
    }
    throw new Error('the person of a subject changed at every look');
  }

  /** A card that is somebody's already is theirs, whatever link data says by now, as when it is tapped. */
  private async tied(
    ownRefs: readonly string[],
    linkedRefs: readonly string[],
    streams: Parameters<typeof holdersOf>[2],
  ): Promise<ReturnType<typeof tiedPerson>> {
    const { survivors, contradictions } = this.parts;
    const all = [...ownRefs, ...linkedRefs];
    const holders = await holdersOf(survivors, all, streams);
    const isKnown = ownRefs.some((ref) => holders.has(ref));
    const links = { linkedRefs: isKnown ? ownRefs : all, holders, assignedTo: null };
    const tied = tiedPerson(links);
    const [own] = ownRefs;
    if (!('outcome' in tied) || own === undefined) return tied;
    return tiedPerson({ ...links, assignedTo: await contradictions.assignedTo(own) });
  }

  private async person(boundTo: string | undefined): Promise<PersonRead | undefined> {
    return boundTo === undefined ? undefined : readPerson(this.parts, boundTo);
  }

  /** None where everything was theirs before. */
  private writes(
    { boundTo, person, subject, certificates }: LoggedIn,
    expectedRevision: StreamWrite['expectedRevision'],
    correlationId: string,
  ): readonly StreamWrite[] {
    if (person.length === 0) return [];
    const act = (event: Parameters<typeof actOf>[0]) => actOf(event, this.parts.clock.now(), correlationId);
    const writes: StreamWrite[] = [{ stream: personStream(boundTo), expectedRevision, events: person.map(act) }];
    if (subject) {
      const stream = subjectStream(subject.data.subjectRef);
      writes.push({ stream, expectedRevision: 'noStream', events: [act(subject)] });
    }
    for (const certificate of certificates) {
      const stream = certificateStream(certificate.data.certificateRef);
      writes.push({ stream, expectedRevision: 'noStream', events: [act(certificate)] });
    }
    return writes;
  }

  /**
   * By the way that cards go. A reading that lacks something known makes nothing unknown: it is left out. The login tells at every
   * sign-in, so once the person has withdrawn it takes their word to use that again.
   */
  private async record(
    personId: string,
    read: Attributes,
    consentsAnew: boolean,
    correlationId: string,
  ): Promise<void> {
    const told = namesRead(read);
    if (told.length === 0) return;
    if (!consentsAnew && hasWithdrawn(await this.parts.survivors.all(personId))) return;
    const held = await this.parts.vault.attributes(personId);
    if (held && namesRead(held).some((name) => !told.includes(name))) return;
    await this.parts.recording.record(personId, read, correlationId);
  }
}

/** What a completed login is about. */
interface Told {
  readonly read: Attributes;
  readonly card: ProvenCard | undefined;
}

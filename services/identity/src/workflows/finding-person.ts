import { appendOne, type EventLog, type StreamWrite } from '@tsunagu/event-store';
import { type Clock, isoTime, type JapanDay, newId, ok, type Result, refuse } from '@tsunagu/kernel';
import { type CertificateBound, certificateStream } from '../domain/certificate.js';
import { holderOf, type MyKeyIdReserved, myKeyIdStream, stringOfCard } from '../domain/my-key-id.js';
import { fold, type PersonEvent, personStream } from '../domain/person.js';
import {
  type Contradiction,
  decideSignIn,
  differentPersons,
  type NotJoined,
  notJoined,
  type SignedIn,
} from '../domain/sign-in.js';
import type { Lineage } from '../outbound/issuer.js';
import type { Vault } from '../outbound/vault.js';
import { actOf, domainEvents, revisionOf } from '../recording.js';
import type { CardCertificate } from '../verification/card-certificate.js';
import type { Contradictions } from './contradictions.js';
import { type PersonRead, readPerson } from './known-persons.js';
import { holdersOf } from './persons-of-cards.js';
import type { Survivors } from './survivors.js';

/** The programme whose MyKey ID is the card's own string, registered at the first session. */
const defaultProgramme = 'default';
/** Each lost race leaves fewer certificates free, so a handful is plenty. */
const attemptsMax = 50;

export type FindingRefusal = 'identity.lineage_unavailable' | 'identity.under_review' | 'identity.erased';

export interface Found {
  readonly personId: string;
  readonly myKeyId: string | null;
}

/** The session of the national login that a card is to be joined in, and what the card tells there. */
export interface Joining {
  readonly personId: string;
  readonly birthDate: JapanDay | null;
}

/** Link data, asked for once and only where it is needed. */
export type LineageSource = () => Promise<Lineage | undefined>;

/** To whose id a certificate is bound, and how. */
type BoundCard = Pick<CertificateBound['data'], 'personId' | 'by'>;

/** From a checked certificate to the one person it belongs to. */
export class FindingPerson {
  constructor(
    private readonly log: EventLog,
    private readonly vault: Pick<Vault, 'certificateRef' | 'myKeyIdRef' | 'myKeyId' | 'keep' | 'attributes'>,
    private readonly clock: Clock,
    private readonly survivors: Survivors,
    private readonly contradictions: Contradictions,
  ) {}

  /**
   * The certificate's person; else that of a known certificate that link data ties to it; else a new one. Never two for sessions
   * at the same moment. Of merged persons it is the one that was kept. With `joining` a card that is nobody's becomes that person's,
   * and one of anybody else is refused.
   */
  async find(
    certificate: Pick<CardCertificate, 'hash' | 'commonName'>,
    lineageSource: LineageSource,
    correlationId: string,
    joining?: Joining,
  ): Promise<Result<Found, FindingRefusal>> {
    const certificateRef = this.vault.certificateRef(certificate.hash);
    const own = certificateStream(certificateRef);
    const cardString = stringOfCard(certificate.commonName);
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const [bound] = domainEvents<CertificateBound>(await this.log.readStreams([own]), own);
      if (bound) return this.knownIn(bound.data, cardString, correlationId, joining);
      const lineage = await lineageSource();
      if (!lineage) return refuse('identity.lineage_unavailable', { retryAfterSeconds: 5 });
      const session = joining && (await this.session(joining));
      if (session?.erasureId) return refuse('identity.erased');
      const decided = await this.decide(certificateRef, lineage, cardString, session, joining?.birthDate ?? null);
      if (decided.outcome === 'contradiction') {
        await this.contradictions.open(certificateRef, decided.personIds, correlationId);
        return refuse('identity.under_review', { detail: 'Link data ties this card to more than one person.' });
      }
      if (decided.outcome === 'not_joined') {
        // The other card that the person has may be this one, joined since it was looked at.
        if ((await this.log.readStreams([own])).get(own)?.length) continue;
        return this.refused(decided, correlationId);
      }
      if (!(await this.record(decided, session, correlationId))) continue;
      if (!decided.isNew) return this.known({ personId: decided.boundTo, by: 'presented' }, cardString, correlationId);
      const myKeyId = decided.myKeyId && cardString !== undefined ? cardString : null;
      await this.keepMyKeyId(decided.personId, myKeyId);
      return ok({ personId: decided.personId, myKeyId });
    }
    throw new Error('the person of a certificate changed at every look');
  }

  private async decide(
    certificateRef: string,
    lineage: Lineage,
    cardString: string | undefined,
    session: PersonRead | undefined,
    birthDate: JapanDay | null,
  ): Promise<SignedIn | Contradiction | NotJoined> {
    const linkedRefs = [...lineage.predecessors, ...(lineage.siblings ?? [])].map((hash) =>
      this.vault.certificateRef(hash),
    );
    const myKeyIdRef = cardString === undefined ? null : this.vault.myKeyIdRef(cardString);
    const reserved = myKeyIdRef === null ? [] : [myKeyIdStream(myKeyIdRef)];
    const streams = await this.log.readStreams([...new Set([...linkedRefs.map(certificateStream), ...reserved])]);
    const isTaken = reserved.some((stream) => holderOf(domainEvents<MyKeyIdReserved>(streams, stream)) !== undefined);
    const signIn = {
      certificateRef,
      linkedRefs,
      holders: await holdersOf(this.survivors, linkedRefs, streams),
      assignedTo: null,
      session: session ?? null,
      birthDate,
      freeMyKeyIdRef: isTaken || session?.hasMyKeyId ? null : myKeyIdRef,
      newPersonId: newId(this.clock.now()),
      programmeId: defaultProgramme,
    };
    const decided = decideSignIn(signIn);
    if (decided.outcome !== 'contradiction') return decided;
    return decideSignIn({ ...signIn, assignedTo: await this.contradictions.assignedTo(certificateRef) });
  }

  private session({ personId }: Joining): Promise<PersonRead> {
    const { log, vault, survivors } = this;
    return readPerson({ log, vault, survivors }, personId);
  }

  private async refused(
    { personIds, detail }: Pick<NotJoined, 'personIds' | 'detail'>,
    correlationId: string,
  ): Promise<Result<never, 'identity.under_review'>> {
    await this.contradictions.openPairs(personIds, correlationId);
    return refuse('identity.under_review', { detail });
  }

  /** All of it in one request: every certificate and the MyKey ID must still be free. */
  private async record(signedIn: SignedIn, session: PersonRead | undefined, correlationId: string): Promise<boolean> {
    const person = personStream(signedIn.boundTo);
    const isOfSession = signedIn.boundTo === session?.boundTo;
    // What was decided of the session's person holds only while nothing was written of them since.
    const expected = isOfSession
      ? session.revision
      : signedIn.isNew
        ? 'noStream'
        : revisionOf(await this.log.readStreams([person]), person);
    const writes: StreamWrite[] = [
      this.write(person, expected, signedIn.person, correlationId),
      ...signedIn.certificates.map((event) =>
        this.write(certificateStream(event.data.certificateRef), 'noStream', [event], correlationId),
      ),
    ];
    if (signedIn.myKeyId) {
      writes.push(
        this.write(myKeyIdStream(signedIn.myKeyId.data.myKeyIdRef), 'noStream', [signedIn.myKeyId], correlationId),
      );
    }
    return appendOne(this.log, { writes });
  }

  private write(
    stream: string,
    expectedRevision: StreamWrite['expectedRevision'],
    events: readonly { type: string; data: { personId: string } }[],
    correlationId: string,
  ): StreamWrite {
    return { stream, expectedRevision, events: events.map((event) => actOf(event, this.clock.now(), correlationId)) };
  }

  /** A certificate that somebody has already: in a session that it is to be joined in, only the session's own person may have it. */
  private async knownIn(
    bound: BoundCard,
    cardString: string | undefined,
    correlationId: string,
    joining: Joining | undefined,
  ): Promise<Result<Found, FindingRefusal>> {
    const found = await this.known(bound, cardString, correlationId);
    if (!found.ok || !joining) return found;
    const session = await this.session(joining);
    if (session.erasureId !== null) return refuse('identity.erased');
    const holder = { boundTo: bound.personId, personId: found.value.personId };
    const detail = notJoined(session, holder, null);
    if (detail === null) return found;
    return this.refused({ personIds: differentPersons([holder, session]), detail }, correlationId);
  }

  /**
   * The person whom the id of a bound certificate means, with their MyKey ID. A stop between the log and the vault lost only the
   * text, which the card brings along again. The certificates of somebody who is erased stay bound, those that follow them too: who
   * comes again with the card would else be somebody new, and be granted twice.
   */
  private async known(
    { personId: boundTo, by }: BoundCard,
    cardString: string | undefined,
    correlationId: string,
  ): Promise<Result<Found, 'identity.erased'>> {
    const { personId, myKeyIdRef, erasureId } = await this.survivors.one(boundTo);
    if (erasureId !== null) return refuse('identity.erased');
    const kept = await this.vault.myKeyId(personId);
    if (kept !== undefined) return ok({ personId, myKeyId: kept });
    // Not under the id of another one, from whom a split may part this one.
    const isFirst = by === 'linked' && myKeyIdRef === null && personId === boundTo;
    const isOwn =
      cardString !== undefined &&
      (isFirst
        ? await this.registerString(personId, cardString, correlationId)
        : myKeyIdRef === this.vault.myKeyIdRef(cardString));
    if (!isOwn) return ok({ personId, myKeyId: null });
    await this.keepMyKeyId(personId, cardString);
    return ok({ personId, myKeyId: cardString });
  }

  /** The string of a card that was reserved for somebody without one, such as by a login: whether it is theirs now. */
  private async registerString(personId: string, cardString: string, correlationId: string): Promise<boolean> {
    const myKeyIdRef = this.vault.myKeyIdRef(cardString);
    const [own, reserved] = [personStream(personId), myKeyIdStream(myKeyIdRef)];
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const streams = await this.log.readStreams([own, reserved]);
      const person = fold(domainEvents<PersonEvent>(streams, own));
      const holder = holderOf(domainEvents<MyKeyIdReserved>(streams, reserved));
      if (holder !== undefined || !person || person.myKeyIdRef !== null) return person?.myKeyIdRef === myKeyIdRef;
      const registered = { type: 'MyKeyIdRegistered', data: { personId, programmeId: defaultProgramme, myKeyIdRef } };
      const reservation = { type: 'MyKeyIdReserved', data: { personId, myKeyIdRef } };
      const writes = [
        this.write(own, revisionOf(streams, own), [registered], correlationId),
        this.write(reserved, revisionOf(streams, reserved), [reservation], correlationId),
      ];
      if (await appendOne(this.log, { writes })) return true;
    }
    throw new Error('the MyKey ID of a person changed at every look');
  }

  private async keepMyKeyId(personId: string, myKeyId: string | null): Promise<void> {
    const record = myKeyId === null ? { personId } : { personId, myKeyId };
    await this.vault.keep([record], isoTime(this.clock.now()));
  }
}

import { appendOne, type EventLog, type StreamWrite } from '@tsunagu/event-store';
import { type Clock, isoTime, newId, ok, type Result, refuse } from '@tsunagu/kernel';
import { type CertificateBound, certificateStream, personOf } from '../domain/certificate.js';
import { holderOf, type MyKeyIdReserved, myKeyIdStream, stringOfCard } from '../domain/my-key-id.js';
import { decideAttributes, fold, type PersonEvent, personStream } from '../domain/person.js';
import { decideSignIn, type SignedIn } from '../domain/sign-in.js';
import type { Lineage } from '../outbound/issuer.js';
import type { Vault } from '../outbound/vault.js';
import { actOf, domainEvents, revisionOf } from '../recording.js';
import { type Attributes, namesRead } from '../verification/attributes.js';
import type { CardCertificate } from '../verification/card-certificate.js';

/** The programme whose MyKey ID is the card's own string, registered at the first session. */
const defaultProgramme = 'default';
/** Each lost race leaves fewer certificates free, so a handful is plenty. */
const attemptsMax = 50;

export type FindingRefusal = 'identity.lineage_unavailable' | 'identity.under_review';

/** Link data, asked for once and only where it is needed. */
export type LineageSource = () => Promise<Lineage | undefined>;

/** From a checked certificate to the one person it belongs to. */
export class FindingPerson {
  constructor(
    private readonly log: EventLog,
    private readonly vault: Vault,
    private readonly clock: Clock,
  ) {}

  /** The certificate's person; else by link data its predecessor's; else a new one. Never two for sessions at the same moment. */
  async find(
    certificate: CardCertificate,
    lineageSource: LineageSource,
    correlationId: string,
  ): Promise<Result<{ personId: string; myKeyId: string | null }, FindingRefusal>> {
    const certificateRef = this.vault.certificateRef(certificate.hash);
    const own = certificateStream(certificateRef);
    const cardString = stringOfCard(certificate.commonName);
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const bound = personOf(domainEvents<CertificateBound>(await this.log.readStreams([own]), own));
      if (bound !== undefined) return ok({ personId: bound, myKeyId: await this.myKeyIdOf(bound, cardString) });
      const lineage = await lineageSource();
      if (!lineage) return refuse('identity.lineage_unavailable', { retryAfterSeconds: 5 });
      const decided = await this.decide(certificateRef, lineage, cardString);
      if (!decided.ok) return decided;
      const signedIn = decided.value;
      if (!(await this.record(signedIn, correlationId))) continue;
      if (!signedIn.isNew)
        return ok({ personId: signedIn.personId, myKeyId: await this.myKeyIdOf(signedIn.personId, cardString) });
      const myKeyId = signedIn.myKeyId && cardString !== undefined ? cardString : null;
      await this.keepMyKeyId(signedIn.personId, myKeyId);
      return ok({ personId: signedIn.personId, myKeyId });
    }
    throw new Error('the person of a certificate changed at every look');
  }

  /** Keeps what was read, then records that it was. */
  async recordAttributes(personId: string, attributes: Attributes, correlationId: string): Promise<void> {
    await this.vault.keep([{ personId, attributes }], attributes.readAt);
    const stream = personStream(personId);
    const reading = {
      kind: attributes.source ?? 'signatureCertificate',
      attributes: namesRead(attributes),
      readAt: attributes.readAt,
      digest: this.vault.attributesDigest(attributes),
    };
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const streams = await this.log.readStreams([stream]);
      const person = fold(domainEvents<PersonEvent>(streams, stream));
      if (!person) throw new Error('attributes of a person who is not registered');
      const events = decideAttributes(person, reading);
      if (events.length === 0) return;
      const write = this.write(stream, revisionOf(streams, stream), events, correlationId);
      if (await appendOne(this.log, { writes: [write] })) return;
    }
    throw new Error('a person changed at every look');
  }

  private async decide(certificateRef: string, lineage: Lineage, cardString: string | undefined) {
    const predecessorRefs = lineage.predecessors.map((hash) => this.vault.certificateRef(hash));
    const myKeyIdRef = cardString === undefined ? null : this.vault.myKeyIdRef(cardString);
    const reserved = myKeyIdRef === null ? [] : [myKeyIdStream(myKeyIdRef)];
    const streams = await this.log.readStreams([...predecessorRefs.map(certificateStream), ...reserved]);
    const holders = new Map<string, string>();
    for (const ref of predecessorRefs) {
      const holder = personOf(domainEvents<CertificateBound>(streams, certificateStream(ref)));
      if (holder !== undefined) holders.set(ref, holder);
    }
    const isTaken = reserved.some((stream) => holderOf(domainEvents<MyKeyIdReserved>(streams, stream)) !== undefined);
    return decideSignIn({
      certificateRef,
      predecessorRefs,
      holders,
      freeMyKeyIdRef: isTaken ? null : myKeyIdRef,
      newPersonId: newId(this.clock.now()),
      programmeId: defaultProgramme,
    });
  }

  /** All of it in one request: every certificate and the MyKey ID must still be free. */
  private async record(signedIn: SignedIn, correlationId: string): Promise<boolean> {
    const person = personStream(signedIn.personId);
    const expected = signedIn.isNew ? 'noStream' : revisionOf(await this.log.readStreams([person]), person);
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

  /** The person's MyKey ID. A stop between the log and the vault lost only the text, which the card brings along again. */
  private async myKeyIdOf(personId: string, cardString: string | undefined): Promise<string | null> {
    const kept = await this.vault.myKeyId(personId);
    if (kept !== undefined) return kept;
    const stream = personStream(personId);
    const person = fold(domainEvents<PersonEvent>(await this.log.readStreams([stream]), stream));
    if (!person || person.myKeyIdRef === null || cardString === undefined) return null;
    if (person.myKeyIdRef !== this.vault.myKeyIdRef(cardString)) return null;
    await this.keepMyKeyId(personId, cardString);
    return cardString;
  }

  private async keepMyKeyId(personId: string, myKeyId: string | null): Promise<void> {
    const record = myKeyId === null ? { personId } : { personId, myKeyId };
    await this.vault.keep([record], isoTime(this.clock.now()));
  }
}

import type { EventLog } from '@tsunagu/event-store';
import { type Clock, isoTime, ok } from '@tsunagu/kernel';
import { type CertificateBound, certificateStream, personOf } from '../domain/certificate.js';
import { fold, type Person, type PersonEvent, personStream } from '../domain/person.js';
import { type CertificateLook, decideRestored, decideTrust, endsTrust, type TrustEvent } from '../domain/trust.js';
import type { Issuer } from '../outbound/issuer.js';
import type { KeptCertificate, KeptCertificates } from '../outbound/kept-certificates.js';
import type { SessionEnds } from '../outbound/session-ends.js';
import { domainEvents, record, serviceActor } from '../recording.js';
import { isValidAt, type TrustedAuthority } from '../verification/trusted-authorities.js';
import type { Survivors } from './survivors.js';

/** Persons whose cards are asked about at the same moment: the issuer is busy with everybody who signs in. */
const personsAtOnce = 10;

export interface CardChecksParts {
  readonly log: EventLog;
  readonly kept: Pick<KeptCertificates, 'of'>;
  readonly survivors: Survivors;
  readonly sessionEnds: Pick<SessionEnds, 'endOfPerson'>;
  readonly issuer: Pick<Issuer, 'revocation'>;
  readonly authorities: readonly TrustedAuthority[];
  readonly clock: Clock;
}

/**
 * What became of the certificates that a person has signed with: nobody presents a card that was stolen, so where it matters they are
 * looked at without it. Found is recorded with the person, whichever id of theirs signed in with it. Their sessions end where it lost its
 * trust: whoever has the key may have opened them.
 */
export class CardChecks {
  constructor(private readonly parts: CardChecksParts) {}

  /** Ids of nobody, and of somebody erased, of whose cards nothing is known, are passed over. */
  async check(personIds: readonly string[], correlationId: string): Promise<void> {
    for (let from = 0; from < personIds.length; from += personsAtOnce) {
      await Promise.all(personIds.slice(from, from + personsAtOnce).map((id) => this.checkOne(id, correlationId)));
    }
  }

  /** A certificate was presented and is revoked: whose it is may have no other. */
  async presented(certificateRef: string, correlationId: string): Promise<void> {
    const stream = certificateStream(certificateRef);
    const boundTo = personOf(domainEvents<CertificateBound>(await this.parts.log.readStreams([stream]), stream));
    if (boundTo !== undefined) await this.checkOne(boundTo, correlationId);
  }

  /** The person has just signed in with what is good. */
  async signedIn({ personId, revocation }: Pick<Person, 'personId' | 'revocation'>, correlationId: string) {
    if (revocation.revoked) await this.record(personId, correlationId, decideRestored);
  }

  private async checkOne(id: string, correlationId: string): Promise<void> {
    const { kept, survivors, sessionEnds } = this.parts;
    const persons = await survivors.all(id);
    const [person] = persons;
    if (!person || person.erasureId !== null) return;
    const hasLogin = persons.some(({ subjects }) => subjects.length > 0);
    const certificates = (await Promise.all(persons.map(({ personId }) => kept.of(personId)))).flat();
    const looks = await Promise.all(certificates.map((each) => this.look(each, person)));
    // Before it is recorded: what a stop cuts off here is found again, and no session lives on behind a revocation that is known.
    if (looks.some((look) => look.answer === 'revoked' && endsTrust(look.reason))) {
      for (const { personId } of persons) await sessionEnds.endOfPerson(personId);
    }
    const succeededRefs = persons.flatMap((each) => each.succeededRefs);
    await this.record(person.personId, correlationId, (now) => decideTrust({ ...now, succeededRefs }, looks, hasLogin));
  }

  /** What was found revoked before stays so and is not asked again; what has expired proves nothing. */
  private async look(certificate: KeptCertificate, { revokedCertificates }: Person): Promise<CertificateLook> {
    const { certificateRef } = certificate;
    const nowMs = this.parts.clock.now();
    const isRevoked = revokedCertificates.some((each) => each.certificateRef === certificateRef);
    if (isRevoked || !isValidAt(certificate, nowMs)) return { certificateRef, answer: 'over' };
    const authority = this.parts.authorities.find(
      (each) => each.kind === 'authentication' && each.keyId === certificate.authorityKeyId,
    );
    if (!authority) return { certificateRef, answer: 'unsure' };
    const said = await this.parts.issuer.revocation(certificate, authority, 'claim');
    if (said.answer === 'good') return { certificateRef, answer: 'good' };
    if (said.answer !== 'revoked') return { certificateRef, answer: 'unsure' };
    return { certificateRef, answer: 'revoked', reason: said.reason, revokedAt: isoTime(said.sinceMs) };
  }

  private async record(
    personId: string,
    correlationId: string,
    decide: (person: Person) => readonly TrustEvent[],
  ): Promise<void> {
    const stream = personStream(personId);
    const acting = { caller: { actor: serviceActor, ownerId: null }, correlationId, nowMs: this.parts.clock.now() };
    await record<TrustEvent>(this.parts.log, [stream], acting, (streams) => {
      const person = fold(domainEvents<PersonEvent>(streams, stream));
      return ok(new Map([[stream, person && person.erasureId === null ? decide(person) : []]]));
    });
  }
}

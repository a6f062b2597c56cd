import type { EventLog } from '@tsunagu/event-store';
import { type Clock, isoTime, ok, type Result, refuse } from '@tsunagu/kernel';
import {
  decideFeed,
  decideRegisterService,
  decideWebhook,
  foldMemberService,
  type MemberService,
  type MemberServiceEvent,
  memberServiceStream,
  ofOwner,
} from '../domain/member-service.js';
import {
  decideEnd,
  decideMembership,
  idOfMember,
  type MembershipEvent,
  memberStream,
  type ServiceIdEvent,
  serviceIdStream,
} from '../domain/service-membership.js';
import type { Vault } from '../outbound/vault.js';
import { type Acting, domainEvents, record } from '../recording.js';
import type { Proven } from './proving.js';
import type { Survivors } from './survivors.js';

type Events = ServiceIdEvent | MembershipEvent;
type Streams = Parameters<typeof domainEvents>[0];

const idKind = 'serviceId:';

/** The id of a person that is registered at a service, which may be one that was merged into theirs, and what it is registered as. */
interface Membership {
  readonly personId: string;
  readonly serviceIdRef: string;
}

/**
 * The ID management table (DOMAIN §1): which id a person has at a service. The ids lie in the vault, their hashes in the streams. What was
 * registered under an id that means this person now is theirs; after a split each has their own again.
 */
export class Memberships {
  constructor(
    private readonly log: EventLog,
    private readonly vault: Vault,
    private readonly survivors: Survivors,
    private readonly clock: Clock,
  ) {}

  async known(service: string): Promise<MemberService | undefined> {
    const stream = memberServiceStream(service);
    return serviceIn(await this.log.readStreams([stream]), stream);
  }

  /** The service, where it is the caller's owner's. */
  async service(service: string, ownerId: string | null): Promise<Result<MemberService, 'request.not_found'>> {
    return ofOwner(await this.known(service), ownerId);
  }

  registerService(wish: { service: string; ownerId: string; name: string }, acting: Acting) {
    const stream = memberServiceStream(wish.service);
    return record<MemberServiceEvent, 'request.not_found'>(this.log, [stream], acting, (streams) => {
      const decided = decideRegisterService(serviceIn(streams, stream), wish);
      return decided.ok ? ok(new Map([[stream, decided.value]])) : decided;
    });
  }

  /** Switches a service's feed on for a legal basis, or off with null. */
  setFeed(service: string, legalBasis: string | null, acting: Acting) {
    return this.change(service, acting, (known, at) => decideFeed(known, legalBasis, at));
  }

  /** Has a service's feed delivered to an address, or no longer with null. */
  setWebhook(service: string, url: string | null, acting: Acting) {
    return this.change(service, acting, (known, at) => decideWebhook(known, url, at));
  }

  private change(
    service: string,
    acting: Acting,
    decide: (known: MemberService, at: string) => readonly MemberServiceEvent[],
  ) {
    const stream = memberServiceStream(service);
    return record<MemberServiceEvent, 'request.not_found'>(this.log, [stream], acting, (streams) => {
      const known = ofOwner(serviceIn(streams, stream), acting.caller.ownerId);
      return known.ok ? ok(new Map([[stream, decide(known.value, isoTime(acting.nowMs))]])) : known;
    });
  }

  async register(
    { service, serviceId, terminalId }: { service: string; serviceId: string; terminalId: string },
    { personId, certificateRef }: Proven,
    acting: Acting,
  ): Promise<Result<unknown, 'identity.already_registered' | 'identity.service_id_taken'>> {
    const serviceIdRef = this.vault.serviceIdRef(service, serviceId);
    // First the text: what stands on the log can always be shown.
    await this.vault.keepSealed(personId, idKind + serviceIdRef, serviceId, isoTime(this.clock.now()));
    const [member, reservation] = [memberStream(service, personId), serviceIdStream(service, serviceIdRef)];
    const names = (await this.survivors.sameAs(personId)).map((id) => memberStream(service, id));
    return record<Events, 'identity.already_registered' | 'identity.service_id_taken'>(
      this.log,
      [...names, reservation],
      acting,
      (streams) => {
        if (names.some((name) => idOfMember(domainEvents<MembershipEvent>(streams, name)) !== null))
          return refuse('identity.already_registered');
        const own = domainEvents<MembershipEvent>(streams, member);
        const holders = domainEvents<ServiceIdEvent>(streams, reservation);
        const wish = { service, personId, serviceIdRef, certificateRef, terminalId };
        const decided = decideMembership({ own, holders }, wish);
        if (!decided.ok) return decided;
        return ok(
          new Map<string, readonly Events[]>([
            [member, decided.value.member],
            [reservation, decided.value.serviceId],
          ]),
        );
      },
    );
  }

  /** The id that a person has at the service. */
  async idOf(service: string, personId: string): Promise<Result<string, 'request.not_found'>> {
    const found = await this.find(service, personId);
    const text = found && (await this.textOf(found.personId, found.serviceIdRef));
    return text === undefined ? refuse('request.not_found') : ok(text);
  }

  /** That of their own id, where several are registered that were merged since. */
  private async find(service: string, personId: string): Promise<Membership | undefined> {
    const personIds = await this.survivors.sameAs(personId);
    const streams = await this.log.readStreams(personIds.map((id) => memberStream(service, id)));
    for (const id of personIds) {
      const serviceIdRef = idOfMember(domainEvents<MembershipEvent>(streams, memberStream(service, id)));
      if (serviceIdRef !== null) return { personId: id, serviceIdRef };
    }
    return undefined;
  }

  /** Undefined when the person's key was destroyed. */
  textOf(personId: string, serviceIdRef: string): Promise<string | undefined> {
    return this.vault.openSealed<string>(personId, idKind + serviceIdRef);
  }

  /** By the person, with the card. Repeating it changes nothing. */
  async end(service: string, proven: Proven, acting: Acting): Promise<void> {
    const found = await this.find(service, proven.personId);
    if (!found) return;
    const { personId, serviceIdRef } = found;
    const [member, reservation] = [memberStream(service, personId), serviceIdStream(service, serviceIdRef)];
    await record<Events>(this.log, [member, reservation], acting, (streams) => {
      const own = domainEvents<MembershipEvent>(streams, member);
      const ended = { service, personId, certificateRef: proven.certificateRef };
      // Another call ended it and registered another id meanwhile: this one's work is done.
      const change = idOfMember(own) === serviceIdRef ? decideEnd(own, ended) : null;
      return ok(
        new Map<string, readonly Events[]>([
          [member, change?.member ?? []],
          [reservation, change?.serviceId ?? []],
        ]),
      );
    });
  }
}

function serviceIn(streams: Streams, stream: string): MemberService | undefined {
  return foldMemberService(domainEvents<MemberServiceEvent>(streams, stream));
}

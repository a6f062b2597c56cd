import { Inject, Injectable } from '@nestjs/common';
import { appendOne, domainEvents, type EventLog, type RecordedEvent, StreamReader } from '@tsunagu/event-store';
import { type Clock, derivedId, isoTime, newId, ok, type Result, refuse } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOG, QuestionUnanswered } from '@tsunagu/service-host';
import { type Campaign, type CampaignEvent, campaignStream, fold, type Measure } from '../domain/campaign.js';
import { consentStream } from '../domain/consent.js';
import { rulesOf } from '../domain/eligibility.js';
import {
  decideClaim,
  decideNoted,
  type Entitlement,
  type EntitlementEvent,
  entitlementStream,
  evolve,
  foldEntitlement,
  refusalOfCampaign,
} from '../domain/entitlement.js';
import { receiptNumber } from '../domain/receipt.js';
import { standingStream } from '../domain/standing.js';
import { Asking, type Standing } from '../outbound/questions.js';
import { readsOf, serviceActor, toNewEvent } from '../recording.js';
import { notedIn, PersonNotes } from './person-notes.js';
import { type DecidedReopening, ReopenCheck } from './reopen-check.js';

export interface Claimant {
  readonly personId: string;
  readonly actor: string;
  readonly correlationId: string;
}

export interface Claimed {
  readonly entitlement: Entitlement;
  /** Whether this call made the claim. */
  readonly first: boolean;
}

type ClaimCode =
  | 'request.not_found'
  | 'campaign.not_open'
  | 'campaign.paused'
  | 'campaign.person_merged'
  | 'campaign.not_eligible';

/** A person's claim: read, ask identity, decide, append once. The receipt is durable before anybody is answered. */
@Injectable()
export class Claiming {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly reader: StreamReader,
    private readonly asking: Asking,
    private readonly check: ReopenCheck,
    private readonly notes: PersonNotes,
  ) {}

  /** The claim of a person on a measure: the existing one before any other check, else a new one. */
  async claim(claimant: Claimant, campaignId: string, measureId: string): Promise<Result<Claimed, ClaimCode>> {
    const stream = entitlementStream(measureId, claimant.personId);
    const streams = await this.reader.read([campaignStream(campaignId), stream]);
    const known = foldEntitlement(domainEvents<EntitlementEvent>(streams.get(stream)));
    if (known && known.order.campaignId !== campaignId) return notFound;
    const campaign = foldedCampaign(streams.get(campaignStream(campaignId)));
    const measure = campaign?.measures.find((each) => each.measureId === measureId);
    const again = await this.existing(streams.get(stream), measure, claimant);
    if (again) return ok({ entitlement: again, first: false });

    if (!campaign || !measure) return notFound;
    const closed = refusalOfCampaign(campaign, isoTime(this.clock.now()));
    if (closed) return { ok: false, refusal: closed };
    // Asked for a measure without rules too: whether this person is another one in truth must not lag.
    const now = isoTime(this.clock.now());
    const standing = await this.asking.standing(claimant.personId, measure.eligibility ?? {}, now);
    if (standing.personId !== claimant.personId) return refuse('campaign.person_merged');
    // The answer may have taken its time: whether the campaign is open is decided on what is recorded now.
    const formers = standing.formerPersonIds.map((personId) => entitlementStream(measureId, personId));
    // So is what was noted of the person, where something is used that can be withdrawn, or identity has something to say.
    const { personId, correlationId } = claimant;
    await this.notes.noteStanding(personId, standing, { correlationId, causationId: null, effectiveAt: now });
    const notes = [
      ...(rulesOf(measure.eligibility).length > 0 ? [consentStream(personId)] : []),
      ...(standing.revocation?.change || standing.erased ? [standingStream(personId)] : []),
    ];
    const later = await this.reader.read([campaignStream(campaignId), ...formers, ...notes]);
    const former = formers.map((name) => foldEntitlement(domainEvents<EntitlementEvent>(later.get(name))));
    // What was claimed under an id that means this person now is their claim.
    const theirs = former.find((claim) => claim?.state === 'granted' || claim?.state === 'accepted');
    if (theirs) return ok({ entitlement: theirs, first: false });
    return this.accept(claimant, campaignId, measureId, later, standing, notes);
  }

  private async accept(
    claimant: Claimant,
    campaignId: string,
    measureId: string,
    streams: ReadonlyMap<string, readonly RecordedEvent[]>,
    { answers, underReview }: Standing,
    notes: readonly string[],
  ): Promise<Result<Claimed, ClaimCode>> {
    const { personId, actor, correlationId } = claimant;
    const campaignEvents = streams.get(campaignStream(campaignId));
    const campaign = foldedCampaign(campaignEvents);
    if (!campaign) return notFound;
    const noted = notedIn(streams, personId);
    const now = this.clock.now();
    const [at, claimId] = [isoTime(now), newId(now)];
    const decided = decideClaim({
      campaign,
      measureId,
      personId,
      claimId,
      receiptNumber: receiptNumber(claimId),
      answers,
      noted,
      underReview,
      at,
    });
    if (!decided.ok) return decided;

    const stream = entitlementStream(measureId, personId);
    const cause = { correlationId, causationId: null, actor, ownerId: campaign.ownerId };
    const accepted = evolve(undefined, decided.value);
    const ended = decideNoted(accepted, at, noted);
    const reads = readsOf(streams, [campaignStream(campaignId), ...notes]);
    const first = toNewEvent(derivedId('ClaimAccepted', claimId), decided.value, cause);
    const then = ended.map((event) =>
      toNewEvent(derivedId(event.type, first.id), event, { ...cause, causationId: first.id, actor: serviceActor }),
    );
    const events = [first, ...then].map((event) => ({ ...event, reads }));
    if (await appendOne(this.log, { writes: [{ stream, expectedRevision: 'noStream', events }] })) {
      return ok({ entitlement: ended.reduce(evolve, accepted), first: true });
    }
    // Another call of the same person was faster: that claim is the claim.
    const measure = campaign.measures.find((each) => each.measureId === measureId);
    const winner = await this.existing((await this.reader.read([stream])).get(stream), measure, claimant);
    if (!winner) throw new Error(`no claim on ${stream} although it cannot be the first`);
    return ok({ entitlement: winner, first: false });
  }

  /** An existing claim; one that ended by a cause that is gone is reopened on the way. */
  private async existing(
    recorded: readonly RecordedEvent[] | undefined,
    measure: Measure | undefined,
    claimant: Claimant,
  ): Promise<Entitlement | undefined> {
    const events = domainEvents<EntitlementEvent>(recorded);
    const entitlement = foldEntitlement(events);
    const last = events.at(-1);
    if (!entitlement || !last || !entitlement.curable) return entitlement;
    const decided = await this.decidedNow(entitlement, recorded, measure, claimant);
    if (!decided) return entitlement;
    const { actor, correlationId } = claimant;
    const cause = { correlationId, causationId: last.id, actor, ownerId: last.ownerId };
    // Derived from the end: two calls that reopen it at once do the same thing once.
    const event = toNewEvent(derivedId(decided.event.type, last.id), decided.event, cause);
    const asRead = { ...event, reads: decided.reads };
    const write = { stream: last.stream, expectedRevision: last.revision, events: [asRead] };
    if (await appendOne(this.log, { writes: [write] })) return evolve(entitlement, decided.event);
    const now = await this.reader.read([last.stream]);
    return foldEntitlement(domainEvents<EntitlementEvent>(now.get(last.stream)));
  }

  /** Undefined where nothing changes: a ledger or identity that cannot be heard leaves the claim as it is. */
  private async decidedNow(
    { reasonCode, order }: Entitlement,
    recorded: readonly RecordedEvent[] | undefined,
    measure: Measure | undefined,
    { correlationId }: Claimant,
  ): Promise<DecidedReopening | undefined> {
    try {
      if (reasonCode === 'fund_exhausted') {
        const fund = await this.asking.fund(order.fundId);
        if (fund === undefined || fund.undrawnPoints < order.amountPoints) return undefined;
      }
      return await this.check.decide(recorded, measure?.eligibility ?? null, correlationId);
    } catch (error) {
      if (error instanceof QuestionUnanswered) return undefined;
      throw error;
    }
  }
}

const notFound = refuse('request.not_found');

/** Claims that were read by one query share the campaign's events, and so the fold. */
const folded = new WeakMap<readonly RecordedEvent[], Campaign>();

function foldedCampaign(events: readonly RecordedEvent[] | undefined): Campaign | undefined {
  if (!events) return undefined;
  const known = folded.get(events);
  if (known) return known;
  const campaign = fold(domainEvents<CampaignEvent>(events));
  if (campaign) folded.set(events, campaign);
  return campaign;
}

import { Inject, Injectable } from '@nestjs/common';
import { appendOne, domainEvents, type EventLog, type RecordedEvent, StreamReader } from '@tsunagu/event-store';
import { type Clock, derivedId, isoTime, newId, ok, type Result, refuse } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOG } from '@tsunagu/service-host';
import {
  type Campaign,
  type CampaignEvent,
  campaignStream,
  clockEvents,
  decideTransition,
  evolve,
  fold,
  stateAt,
  type Transition,
} from '../domain/campaign.js';
import type { At } from '../domain/stamped.js';
import { type Cause, revisionOf, serviceActor, toNewEvent } from '../recording.js';

export interface KnownCampaign {
  readonly campaign: Campaign;
  readonly createdAt: string;
  readonly revision: number;
}

/** Tries of a transition that somebody else's keeps overtaking. */
const TRIES_MAX = 10;

/** A campaign's way from draft to closed, moved by staff and by the clock. */
@Injectable()
export class CampaignLaunch {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly reader: StreamReader,
  ) {}

  async find(campaignId: string): Promise<KnownCampaign | undefined> {
    const stream = campaignStream(campaignId);
    return knownCampaign((await this.reader.read([stream])).get(stream));
  }

  /** Campaigns in the order asked for, each as its stream says now. */
  async findAll(campaignIds: readonly string[]): Promise<readonly KnownCampaign[]> {
    const streams = await this.reader.read(campaignIds.map(campaignStream));
    return campaignIds.flatMap((id) => knownCampaign(streams.get(campaignStream(id))) ?? []);
  }

  /**
   * A staff member moves a campaign of their own on; another owner's does not exist for them. With `ifMatch` only while the campaign
   * is as they read it.
   */
  async turn(
    campaignId: string,
    transition: Transition,
    by: { ownerId: string; actor: string; correlationId: string },
    ifMatch?: string,
  ): Promise<Result<KnownCampaign, 'request.not_found' | 'campaign.wrong_state' | 'campaign.changed_meanwhile'>> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const known = await this.find(campaignId);
      if (known?.campaign.ownerId !== by.ownerId) return refuse('request.not_found');
      const at = isoTime(this.clock.now());
      if (ifMatch !== undefined && !matches(ifMatch, entityTag(known, at))) return refuse('campaign.changed_meanwhile');
      const decided = decideTransition(known.campaign, transition, at);
      if (!decided.ok) return decided;
      const after = await this.record(known, decided.value, { ...by, causationId: null });
      if (after) return ok(after);
    }
    throw new Error(`campaign ${campaignId} kept changing`);
  }

  /** Records what the clock has done to these campaigns; done twice, also by two processes, it is done once. */
  async followClock(campaignIds: readonly string[]): Promise<void> {
    for (const known of await this.findAll(campaignIds)) {
      const due = clockEvents(known.campaign, isoTime(this.clock.now()));
      const { campaignId, ownerId } = known.campaign;
      const cause = { correlationId: campaignId, causationId: null, actor: serviceActor, ownerId };
      // On a conflict staff moved it in this moment: the next round looks again.
      if (due.length > 0) await this.record(known, due, cause);
    }
  }

  private async record(
    known: KnownCampaign,
    events: readonly At<CampaignEvent>[],
    cause: Cause,
  ): Promise<KnownCampaign | undefined> {
    const { campaign, revision } = known;
    const { campaignId } = campaign;
    const recorded = await appendOne(this.log, {
      writes: [
        {
          stream: campaignStream(campaignId),
          expectedRevision: revision,
          events: events.map((event) => toNewEvent(this.idOf(campaignId, event), event, cause)),
        },
      ],
    });
    if (!recorded) return undefined;
    return { ...known, campaign: events.reduce(evolve, campaign), revision: revision + events.length };
  }

  /** The clock opens and closes a campaign once each, so its events have one id whoever records them. */
  private idOf(campaignId: string, event: CampaignEvent): string {
    const byClock = 'by' in event.data && event.data.by === 'clock';
    return byClock ? derivedId(`${event.type} by the clock`, campaignId) : newId(this.clock.now());
  }
}

/** Changes with every event, and when the clock opens or closes the campaign, which needs no event of its own at that moment. */
export function entityTag({ campaign, revision }: KnownCampaign, at: string): string {
  return `"${revision}-${stateAt(campaign, at)}"`;
}

/** If-Match (RFC 9110 §13.1.1): `*` or a list of tags. */
function matches(ifMatch: string, tag: string): boolean {
  return ifMatch.trim() === '*' || ifMatch.split(',').some((each) => each.trim() === tag);
}

function knownCampaign(events: readonly RecordedEvent[] | undefined): KnownCampaign | undefined {
  const campaign = fold(domainEvents<CampaignEvent>(events));
  if (!campaign) return undefined;
  return { campaign, createdAt: events?.[0]?.effectiveAt ?? '', revision: revisionOf(events) };
}

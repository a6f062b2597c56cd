import { Inject, Injectable } from '@nestjs/common';
import {
  type AppendRequest,
  appendSurely,
  domainEvents,
  type EventLog,
  type RecordedEvent,
} from '@tsunagu/event-store';
import { type Clock, derivedId, isoTime, ok, type Result, refuse } from '@tsunagu/kernel';
import { CLOCK, EVENT_LOG } from '@tsunagu/service-host';
import { type ConsentEvent, consentStream, restOnWithdrawn, withdrawnUntil } from '../domain/consent.js';
import {
  decideReopen,
  type Entitlement,
  type EntitlementEvent,
  entitlementStream,
  foldEntitlement,
} from '../domain/entitlement.js';
import { Asking } from '../outbound/questions.js';
import { ClaimIndex, type ClaimRow } from '../projections/claim-index.js';
import { revisionOf, toNewEvent } from '../recording.js';
import { CampaignLaunch } from './campaign-launch.js';
import { ReopenCheck } from './reopen-check.js';

/** Claims looked at with one query, and in one call. */
const PAGE = 500;
const CALL_MAX = 5_000;
/** Questions to identity in flight. */
const ASKED_AT_ONCE = 50;

export interface Reopened {
  /** Claims that go to the ledger again. */
  readonly reopened: number;
  /** Whether this call stopped at its limit while the funds may reach further. */
  readonly more: boolean;
}

/** An operator's batch after a raise: curable refusals go to the ledger again in receipt order. */
@Injectable()
export class Reopening {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly launch: CampaignLaunch,
    private readonly index: ClaimIndex,
    private readonly asking: Asking,
    private readonly check: ReopenCheck,
  ) {}

  async reopen(
    campaignId: string,
    by: { ownerId: string; actor: string; correlationId: string },
  ): Promise<Result<Reopened, 'request.not_found'>> {
    const known = await this.launch.find(campaignId);
    if (known?.campaign.ownerId !== by.ownerId) return refuse('request.not_found');
    const left = await this.undrawn(known.campaign.measures.map(({ fundId }) => fundId));
    let reopened = 0;
    let after = 0;
    for (let looked = 0; looked < CALL_MAX; looked += PAGE) {
      const page = await this.index.curable(campaignId, after, PAGE);
      // Before they are counted: what was withdrawn is not to keep the rest from the fund.
      const usable = (await this.read(page)).filter(isUsable).map(({ row }) => row);
      reopened += await this.append(await this.checked(usable.filter((row) => fits(row, left))), by);
      after = page.at(-1)?.acceptedPosition ?? after;
      if (page.length < PAGE || [...left.values()].every((points) => points <= 0)) return ok({ reopened, more: false });
    }
    return ok({ reopened, more: true });
  }

  private async undrawn(fundIds: readonly string[]): Promise<Map<string, number>> {
    const different = [...new Set(fundIds)];
    const funds = await Promise.all(different.map((fundId) => this.asking.fund(fundId)));
    return new Map(different.map((fundId, i) => [fundId, funds[i]?.undrawnPoints ?? 0]));
  }

  /** Identity is asked of each, so many at a time; where it cannot be heard the call ends, and a repeated one goes on from there. */
  private async checked(rows: readonly ClaimRow[]): Promise<readonly ClaimRow[]> {
    const passed: ClaimRow[] = [];
    for (let from = 0; from < rows.length; from += ASKED_AT_ONCE) {
      const asked = rows.slice(from, from + ASKED_AT_ONCE);
      const answers = await Promise.all(asked.map((row) => this.check.answers(row)));
      passed.push(...asked.filter((_, i) => answers[i] !== undefined));
    }
    return passed;
  }

  /** How many of them are reopened now; one that changed in this moment is passed over. */
  private async append(rows: readonly ClaimRow[], by: { actor: string; correlationId: string }): Promise<number> {
    if (rows.length === 0) return 0;
    const at = isoTime(this.clock.now());
    const requests: AppendRequest[] = [];
    for (const { row, recorded, consents, entitlement } of await this.read(rows)) {
      const last = recorded?.at(-1);
      const [event] = entitlement ? decideReopen(entitlement, at, withdrawnUntil(consents)) : [];
      if (!last || !event) continue;
      const cause = { correlationId: by.correlationId, causationId: last.id, actor: by.actor, ownerId: last.ownerId };
      const reads = { [consentStream(row.personId)]: revisionOf(consents) };
      const events = [{ ...toNewEvent(derivedId('ClaimReopened', last.id), event, cause), reads }];
      requests.push({ writes: [{ stream: last.stream, expectedRevision: last.revision, events }] });
    }
    const outcomes = requests.length > 0 ? await appendSurely(this.log, requests) : [];
    return outcomes.filter(({ outcome }) => outcome === 'appended').length;
  }

  /** The claims as they are, with what their persons have withdrawn. */
  private async read(rows: readonly ClaimRow[]): Promise<readonly Known[]> {
    const nameOf = ({ measureId, personId }: ClaimRow) => entitlementStream(measureId, personId);
    const names = rows.flatMap((row) => [nameOf(row), consentStream(row.personId)]);
    const streams = names.length > 0 ? await this.log.readStreams([...new Set(names)]) : new Map();
    return rows.map((row) => {
      const recorded = streams.get(nameOf(row));
      const consents = domainEvents<ConsentEvent>(streams.get(consentStream(row.personId)));
      return { row, recorded, consents, entitlement: foldEntitlement(domainEvents<EntitlementEvent>(recorded)) };
    });
  }
}

interface Known {
  readonly row: ClaimRow;
  readonly recorded: readonly RecordedEvent[] | undefined;
  readonly consents: readonly (RecordedEvent & ConsentEvent)[];
  readonly entitlement: Entitlement | undefined;
}

/** Whether a claim rests on nothing that was withdrawn: else it goes on when its person claims again, on new facts. */
function isUsable({ entitlement, consents }: Known): boolean {
  return entitlement !== undefined && !restOnWithdrawn(entitlement.order.answers, withdrawnUntil(consents));
}

/** Takes a claim's points off what its fund has left; the first that does not fit ends its fund's queue, so nobody is overtaken. */
function fits({ fundId, amountPoints }: ClaimRow, left: Map<string, number>): boolean {
  const rest = (left.get(fundId) ?? 0) - amountPoints;
  left.set(fundId, rest < 0 ? -1 : rest);
  return rest >= 0;
}

import { Inject, Injectable } from '@nestjs/common';
import { type AppendRequest, appendSurely, type EventLog, type RecordedEvent } from '@tsunagu/event-store';
import { derivedId, ok, type Result, refuse } from '@tsunagu/kernel';
import { EVENT_LOG } from '@tsunagu/service-host';
import type { Eligibility } from '../domain/eligibility.js';
import { entitlementStream } from '../domain/entitlement.js';
import { Asking } from '../outbound/questions.js';
import { ClaimIndex, type ClaimRow } from '../projections/claim-index.js';
import { toNewEvent } from '../recording.js';
import { CampaignLaunch } from './campaign-launch.js';
import { type DecidedReopening, ReopenCheck } from './reopen-check.js';

/** Claims looked at with one query, and in one call. */
const PAGE = 500;
const CALL_MAX = 5_000;
/** Claims asked of at the same moment; so many at most are asked of in vain where a fund ends. */
const ASKED_AT_ONCE = 50;

export interface Reopened {
  /** Claims that go to the ledger again. */
  readonly reopened: number;
  /** Claims whose cause is not gone, although their fund has points. */
  readonly passedOver: number;
  /** Whether this call stopped at its limit while the funds may reach further. */
  readonly more: boolean;
}

/** An operator's batch, after a raise or whatever else cured claims: those go to the ledger again in receipt order. */
@Injectable()
export class Reopening {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
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
    const { measures } = known.campaign;
    const left = await this.undrawn(measures.map(({ fundId }) => fundId));
    const rules = new Map(measures.map(({ measureId, eligibility }) => [measureId, eligibility]));
    const counts = { reopened: 0, passedOver: 0 };
    let after = 0;
    for (let looked = 0; looked < CALL_MAX; looked += PAGE) {
      const page = await this.index.curable(campaignId, after, PAGE);
      for (let from = 0; from < page.length; from += ASKED_AT_ONCE) {
        const rows = page.slice(from, from + ASKED_AT_ONCE).filter(({ fundId }) => (left.get(fundId) ?? 0) > 0);
        const done = await this.take(await this.decided(rows, rules, by.correlationId), left, by);
        counts.reopened += done.reopened;
        counts.passedOver += done.passedOver;
      }
      after = page.at(-1)?.acceptedPosition ?? after;
      const isAll = page.length < PAGE || [...left.values()].every((points) => points <= 0);
      if (isAll) return ok({ ...counts, more: false });
    }
    return ok({ ...counts, more: true });
  }

  private async undrawn(fundIds: readonly string[]): Promise<Map<string, number>> {
    const different = [...new Set(fundIds)];
    const funds = await Promise.all(different.map((fundId) => this.asking.fund(fundId)));
    return new Map(different.map((fundId, i) => [fundId, funds[i]?.undrawnPoints ?? 0]));
  }

  /** Identity is asked of each; where it cannot be heard the call ends, and a repeated one goes on from there. */
  private async decided(
    rows: readonly ClaimRow[],
    rules: ReadonlyMap<string, Eligibility | null>,
    correlationId: string,
  ): Promise<readonly Decided[]> {
    const names = rows.map(({ measureId, personId }) => entitlementStream(measureId, personId));
    const streams = names.length > 0 ? await this.log.readStreams(names) : new Map();
    const decided = rows.map(async (row, i) => {
      const recorded = streams.get(names[i] ?? '');
      return { row, recorded, to: await this.check.decide(recorded, rules.get(row.measureId) ?? null, correlationId) };
    });
    return Promise.all(decided);
  }

  /** Appends what was decided, in receipt order as far as each fund reaches; one that changed in this moment is passed over. */
  private async take(
    decided: readonly Decided[],
    left: Map<string, number>,
    by: { actor: string; correlationId: string },
  ): Promise<Pick<Reopened, 'reopened' | 'passedOver'>> {
    const requests: AppendRequest[] = [];
    const taken: Decided[] = [];
    let passedOver = 0;
    for (const each of decided) {
      const last = each.recorded?.at(-1);
      const { to, row } = each;
      const isReopened = to?.event.type === 'ClaimReopened';
      // What goes on takes its points first; what does not is not to keep the rest from the fund.
      if (isReopened && !fits(row, left)) continue;
      if (!isReopened) passedOver += 1;
      if (!to || !last) continue;
      const cause = { correlationId: by.correlationId, causationId: last.id, actor: by.actor, ownerId: last.ownerId };
      const event = toNewEvent(derivedId(to.event.type, last.id), to.event, cause);
      const events = [{ ...event, reads: to.reads }];
      requests.push({ writes: [{ stream: last.stream, expectedRevision: last.revision, events }] });
      taken.push(each);
    }
    const outcomes = requests.length > 0 ? await appendSurely(this.log, requests) : [];
    const isAppended = (i: number) => outcomes[i]?.outcome === 'appended';
    const reopened = taken.filter(({ to }, i) => to?.event.type === 'ClaimReopened' && isAppended(i)).length;
    return { reopened, passedOver };
  }
}

interface Decided {
  readonly row: ClaimRow;
  readonly recorded: readonly RecordedEvent[] | undefined;
  readonly to: DecidedReopening | undefined;
}

/** Takes a claim's points off what its fund has left; the first that does not fit ends its fund's queue, so nobody is overtaken. */
function fits({ fundId, amountPoints }: ClaimRow, left: Map<string, number>): boolean {
  const rest = (left.get(fundId) ?? 0) - amountPoints;
  left.set(fundId, rest < 0 ? -1 : rest);
  return rest >= 0;
}

import { Body, Controller, HttpCode, Inject, Param, ParseIntPipe, Post, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { isoTime, type Result } from '@tsunagu/kernel';
import {
  type Caller,
  CorrelationId,
  CurrentCaller,
  EVENT_LOGS,
  Problem,
  Roles,
  until,
  valueOrProblem,
} from '@tsunagu/service-host';
import {
  decideApproval,
  decideDiscard,
  decidePause,
  decideProposal,
  decideRecall,
  decideRecallApproval,
  decideResume,
  decideStageStart,
} from '../domain/list-decisions.js';
import type { ListEvent, ListGrant } from '../domain/list-grant.js';
import { Leases } from '../workflows/leases.js';
import { type FirstLog, ListBook } from '../workflows/list-book.js';
import { ListComparisons } from '../workflows/list-comparisons.js';
import { ListRun } from '../workflows/list-run.js';
import { ListTables } from '../workflows/list-tables.js';
import { idFromPath, instantOf, ownerOf } from './formats.js';
import { ComparisonBody, RecallBody, ReleaseBody } from './list-forms.js';
import { listAnswer } from './list-view.js';

const MONTHS_DEFAULT = 12;
const EMBARGO_HOURS_DEFAULT = 24;
const COMPARISON_WAIT_SECONDS = 2;

interface Reply {
  code(status: number): Reply;
}

/** What people do with a list, step by step, from its comparison to its recall. */
@ApiTags('lists')
@Controller('point-ledger/v1/lists/:listId')
export class ListActsController {
  constructor(
    @Inject(EVENT_LOGS) private readonly logs: FirstLog,
    private readonly book: ListBook,
    private readonly comparisons: ListComparisons,
    private readonly leases: Leases,
    private readonly run: ListRun,
    private readonly tables: ListTables,
  ) {}

  @Post('comparisons')
  @Roles('operator')
  @HttpCode(200)
  @ApiOperation({ summary: 'Compares a list with past grants. 202 while it runs: look at the list' })
  async compare(
    @CurrentCaller() caller: Caller,
    @Param('listId') id: string,
    @CorrelationId() correlationId: string,
    @Body() { fundId, months }: ComparisonBody,
    @Res({ passthrough: true }) reply: Reply,
  ) {
    const list = await this.own(id, caller);
    if (!['validated', 'proposed', 'approved'].includes(list.state)) {
      throw new Problem({ code: 'point_ledger.list_wrong_state', extensions: { state: list.state } });
    }
    const fund = await this.leases.undrawn(fundId);
    if (fund?.fund.ownerId !== list.ownerId) throw new Problem({ code: 'point_ledger.list_fund_mismatch' });
    const wish = { fundId, months: months ?? MONTHS_DEFAULT, by: caller.actor };
    void this.comparisons.compare(list, wish, { actor: caller.actor, correlationId });
    const { listId } = list;
    const done = (seen: ListGrant) => seen.comparison?.comparisonId !== list.comparison?.comparisonId;
    const now = await until(this.logs[0], () => this.own(listId, caller), done, COMPARISON_WAIT_SECONDS);
    if (!done(now)) reply.code(202);
    return listAnswer(now);
  }

  @Post('release')
  @Roles('operator')
  @HttpCode(200)
  @ApiOperation({ summary: 'Proposes the release of a compared list; another person approves it' })
  async propose(
    @CurrentCaller() caller: Caller,
    @Param('listId') id: string,
    @CorrelationId() correlationId: string,
    @Body() body: ReleaseBody,
  ) {
    const wanted = {
      fundId: body.fundId,
      stagePercents: body.stagePercents ?? [],
      embargoHours: body.embargoHours ?? EMBARGO_HOURS_DEFAULT,
      ...expiryOf(body),
    };
    const fund = (await this.leases.undrawn(wanted.fundId))?.fund;
    return this.act(id, caller, correlationId, (list) => decideProposal(list, wanted, fund, caller.actor));
  }

  @Post('release/approve')
  @Roles('operator', 'finance')
  @HttpCode(200)
  @ApiOperation({ summary: 'Approves the release: not by who brought the list or proposed it' })
  approve(@CurrentCaller() caller: Caller, @Param('listId') id: string, @CorrelationId() correlationId: string) {
    return this.act(id, caller, correlationId, (list) => decideApproval(list, caller.actor));
  }

  @Post('stages/:stage/start')
  @Roles('operator')
  @HttpCode(200)
  @ApiOperation({ summary: 'Starts a stage; again after its end for those whom the fund could not pay' })
  async start(
    @CurrentCaller() caller: Caller,
    @Param('listId') id: string,
    @Param('stage', ParseIntPipe) stage: number,
    @CorrelationId() correlationId: string,
  ) {
    const list = await this.own(id, caller);
    const wanted = list.stages.find((known) => known.stage === stage);
    if (list.stages.length > 0 && !wanted) throw new Problem({ code: 'request.not_found' });
    const isFirst = wanted?.attempt === 0;
    const needed =
      isFirst && list.content ? await this.tables.pointsOf(list.content.uploadId, wanted.firstRow, wanted.lastRow) : 0;
    const undrawn = list.release ? ((await this.leases.undrawn(list.release.fundId))?.undrawnPoints ?? 0) : 0;
    const decide = (seen: ListGrant) => decideStageStart(seen, stage, needed, undrawn, caller.actor);
    const answer = await this.act(id, caller, correlationId, decide);
    this.run.begin(list.listId);
    return answer;
  }

  @Post('pause')
  @Roles('operator', 'finance')
  @HttpCode(200)
  @ApiOperation({ summary: 'Stops the running stage after the rows at hand' })
  pause(@CurrentCaller() caller: Caller, @Param('listId') id: string, @CorrelationId() correlationId: string) {
    return this.act(id, caller, correlationId, (list) => decidePause(list, caller.actor));
  }

  @Post('resume')
  @Roles('operator')
  @HttpCode(200)
  @ApiOperation({ summary: 'Goes on exactly where it stopped' })
  async resume(@CurrentCaller() caller: Caller, @Param('listId') id: string, @CorrelationId() correlationId: string) {
    const answer = await this.act(id, caller, correlationId, (list) => decideResume(list, caller.actor));
    this.run.begin(answer.listId);
    return answer;
  }

  @Post('recall')
  @Roles('operator', 'finance')
  @HttpCode(200)
  @ApiOperation({ summary: 'Stops the list at once and proposes to take back all that it granted' })
  recall(
    @CurrentCaller() caller: Caller,
    @Param('listId') id: string,
    @CorrelationId() correlationId: string,
    @Body() { reasonPattern }: RecallBody,
  ) {
    return this.act(id, caller, correlationId, (list) => decideRecall(list, reasonPattern, caller.actor));
  }

  @Post('recall/approve')
  @Roles('operator', 'finance')
  @HttpCode(200)
  @ApiOperation({ summary: 'Approves the recall, by another person: every lot of the list is reversed' })
  async approveRecall(
    @CurrentCaller() caller: Caller,
    @Param('listId') id: string,
    @CorrelationId() correlationId: string,
  ) {
    const answer = await this.act(id, caller, correlationId, (list) => decideRecallApproval(list, caller.actor));
    this.run.begin(answer.listId);
    return answer;
  }

  @Post('discard')
  @Roles('operator')
  @HttpCode(200)
  @ApiOperation({ summary: 'Puts away a list of which nothing was granted; its content may be brought again' })
  async discard(@CurrentCaller() caller: Caller, @Param('listId') id: string, @CorrelationId() correlationId: string) {
    const { listId } = await this.own(id, caller);
    const acting = { actor: caller.actor, correlationId };
    const acted = await this.book.discard(listId, acting, (list) => decideDiscard(list, caller.actor));
    if (!acted) throw new Problem({ code: 'request.not_found' });
    return listAnswer(valueOrProblem(acted));
  }

  private async act<C extends string>(
    id: string,
    caller: Caller,
    correlationId: string,
    decide: (list: ListGrant) => Result<readonly ListEvent[], C>,
  ) {
    const { listId } = await this.own(id, caller);
    const acted = await this.book.act(listId, { actor: caller.actor, correlationId }, decide);
    if (!acted) throw new Problem({ code: 'request.not_found' });
    return listAnswer(valueOrProblem(acted));
  }

  private async own(id: string, caller: Caller): Promise<ListGrant> {
    const seen = await this.book.read(idFromPath(id));
    if (seen?.list.ownerId !== ownerOf(caller)) throw new Problem({ code: 'request.not_found' });
    return seen.list;
  }
}

function expiryOf({ pointsExpireAt, pointsExpireAfterMonths }: ReleaseBody) {
  const ms = pointsExpireAt ? instantOf(pointsExpireAt) : undefined;
  if (pointsExpireAt && ms === undefined) throw invalid('pointsExpireAt must be a time of ISO 8601 with an offset');
  if (ms !== undefined && pointsExpireAfterMonths) throw invalid('pointsExpireAt or pointsExpireAfterMonths, not both');
  return {
    pointsExpireAt: ms === undefined ? null : isoTime(ms),
    pointsExpireAfterMonths: pointsExpireAfterMonths ?? null,
  };
}

function invalid(message: string): Problem {
  return new Problem({ code: 'request.invalid', errors: [{ field: 'pointsExpireAt', code: 'invalid', message }] });
}

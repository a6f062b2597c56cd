import { Controller, Get, Header, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import {
  type Caller,
  CorrelationId,
  CurrentCaller,
  DATABASE,
  PROJECTIONS,
  Problem,
  type ProjectionReader,
  Roles,
  valueOrProblem,
} from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import type { Pool } from 'pg';
import type { Change, Proposal } from '../domain/proposal.js';
import { LotRuns } from '../workflows/lot-runs.js';
import { Proposals } from '../workflows/proposals.js';
import { cursorOf, idFromPath, ownerOf, placeOf } from './formats.js';

const states = ['proposed', 'approved', 'rejected', 'completed'] as const;

class ProposalPage {
  @ApiPropertyOptional({ enum: states })
  @IsOptional()
  @IsIn(states)
  state?: (typeof states)[number];

  @ApiPropertyOptional({ type: String })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  cursor?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 200, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit?: number;
}

/** What staff proposed: reversals, write-offs, extensions, lowered funds. Another person approves or rejects. */
@ApiTags('changes')
@Controller('point-ledger/v1/proposals')
export class ProposalsController {
  constructor(
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    private readonly proposals: Proposals,
    private readonly runs: LotRuns,
  ) {}

  @Get()
  @Roles('operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: "The owner's proposals, newest first" })
  async list(@CurrentCaller() caller: Caller, @Query() { state, cursor, limit = 50 }: ProposalPage) {
    const [before = Number.MAX_SAFE_INTEGER] = placeOf(cursor, 1) ?? [];
    const upToDate = await this.projections.waitFor('proposals');
    const { rows } = await this.database.query<ProposalRow>(listQuery, [
      ownerOf(caller),
      before,
      state ?? null,
      limit + 1,
    ]);
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return {
      proposals: rows.slice(0, limit).map(answerOfRow),
      upToDate,
      ...(last ? { nextCursor: cursorOf([Number(last.position)]) } : {}),
    };
  }

  @Get(':proposalId')
  @Roles('operator', 'finance', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'One proposal; an approved extension with the lots it has reached so far' })
  async find(@CurrentCaller() caller: Caller, @Param('proposalId') id: string) {
    const proposal = await this.own(caller, id);
    const isUnderWay = proposal.state === 'approved' && proposal.change.kind === 'extension';
    if (!isUnderWay) return proposalAnswer(proposal);
    const progress = await this.runs.progress({ job: 'extension', run: proposal.proposalId });
    return { ...proposalAnswer(proposal), progress: { lots: progress?.lots ?? 0 } };
  }

  @Post(':proposalId/approve')
  @HttpCode(200)
  @Roles('operator', 'finance')
  @ApiOperation({ summary: 'Approves as another person than the proposer: what is approved is carried out' })
  approve(@CurrentCaller() caller: Caller, @Param('proposalId') id: string, @CorrelationId() correlationId: string) {
    return this.judge(caller, id, 'approve', correlationId);
  }

  @Post(':proposalId/reject')
  @HttpCode(200)
  @Roles('operator', 'finance')
  @ApiOperation({ summary: 'Rejects; the proposer may take a proposal back' })
  reject(@CurrentCaller() caller: Caller, @Param('proposalId') id: string, @CorrelationId() correlationId: string) {
    return this.judge(caller, id, 'reject', correlationId);
  }

  private async judge(caller: Caller, id: string, verdict: 'approve' | 'reject', correlationId: string) {
    const { proposalId } = await this.own(caller, id);
    const by = { actor: caller.actor, correlationId, needsSecondPerson: true };
    return proposalAnswer(valueOrProblem(await this.proposals.judge(proposalId, verdict, by)));
  }

  private async own(caller: Caller, id: string): Promise<Proposal> {
    const proposal = await this.proposals.find(idFromPath(id));
    if (proposal?.ownerId !== ownerOf(caller)) throw new Problem({ code: 'request.not_found' });
    return proposal;
  }
}

export function proposalAnswer({
  proposalId,
  state,
  proposedBy,
  decidedBy,
  change,
  outcome,
}: Omit<Proposal, 'ownerId'>) {
  return {
    proposalId,
    state,
    proposedBy,
    ...(decidedBy === null ? {} : { decidedBy }),
    change: changeAnswer(change),
    ...(outcome === null ? {} : { outcome }),
  };
}

/** A person is an account to those outside. */
function changeAnswer(change: Change) {
  if (!('personId' in change)) return change;
  const { personId: accountId, ...rest } = change;
  return { ...rest, accountId };
}

interface ProposalRow {
  readonly proposal_id: string;
  readonly state: Proposal['state'];
  readonly proposed_by: string;
  readonly decided_by: string | null;
  readonly change: Change;
  readonly outcome: Proposal['outcome'];
  readonly position: string;
}

function answerOfRow(row: ProposalRow) {
  const { proposal_id: proposalId, proposed_by: proposedBy, decided_by: decidedBy, state, change, outcome } = row;
  return proposalAnswer({ proposalId, state, proposedBy, decidedBy, change, outcome });
}

const listQuery = `
  select proposal_id, state, proposed_by, decided_by, change, outcome, position
    from proposals
   where owner_id = $1 and position < $2 and ($3::text is null or state = $3)
   order by position desc
   limit $4`;

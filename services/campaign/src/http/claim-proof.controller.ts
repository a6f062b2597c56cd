import { Controller, Get, Header, Inject, Param } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { isId } from '@tsunagu/kernel';
import {
  type Caller,
  CorrelationId,
  CurrentCaller,
  type EventProof,
  LOG_TREES,
  LOGGER,
  type LogTrees,
  noteLook,
  Problem,
  Roles,
  valueOrProblem,
} from '@tsunagu/service-host';
import type { Logger } from 'pino';
import { Asking } from '../outbound/questions.js';
import { ClaimIndex, type ClaimRow } from '../projections/claim-index.js';

/** Claims lie in the campaign's first log. */
const CLAIMS_LOG = 0;

@ApiTags('claims')
@Controller('campaign/v1/claims')
export class ClaimProofController {
  constructor(
    @Inject(LOG_TREES) private readonly trees: LogTrees,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly index: ClaimIndex,
    private readonly asking: Asking,
  ) {}

  @Get(':claimId/proof')
  @Header('Cache-Control', 'no-store')
  @Roles('citizen', 'auditor')
  @ApiOperation({
    summary: "Proof that the claim, and the ledger's answer to it, stand in the signed logs",
    description:
      'Each event as recorded, its path to the root and the signed head: to be kept with the receipt, and checked offline with the public key. 409 log.not_signed_yet in the first seconds.',
  })
  @ApiResponse({
    status: 200,
    description: '{ claimId, events: [{ type, origin, position, leaf, proof: [base64], checkpoint }] }',
  })
  async prove(
    @Param('claimId') claimId: string,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ) {
    const row = isId(claimId) ? await this.index.find(claimId) : undefined;
    if (!row || !mayProve(caller, row)) throw new Problem({ code: 'request.not_found' });
    if (caller.role !== 'citizen') noteLook(this.logger, 'claim looked at', caller, { correlationId, claimId });
    const tree = this.trees.of(CLAIMS_LOG);
    if (!tree) throw new Problem({ code: 'log.not_signed_yet' });
    const accepted = valueOrProblem(await tree.event(row.acceptedPosition));
    const { event } = await this.asking.grant(row.personId, claimId);
    const answered = event ? [valueOrProblem(await this.asking.proof(event))] : [];
    return { claimId, events: [accepted, ...answered].map(withType) };
  }
}

/** A citizen their own, an auditor their owner's. */
function mayProve(caller: Caller, row: ClaimRow): boolean {
  return caller.role === 'citizen' ? row.personId === caller.subject : row.ownerId === caller.ownerId;
}

function withType(proof: EventProof) {
  return { type: String((JSON.parse(proof.leaf) as { type: unknown }).type), ...proof };
}

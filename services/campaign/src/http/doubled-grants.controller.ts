import { Controller, Get, Header, Query } from '@nestjs/common';
import { ApiOperation, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { type Caller, CurrentCaller, Roles } from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { MergeIndex } from '../projections/merge-index.js';
import { cursorMember } from './campaigns.controller.js';
import { ownerOf } from './staff.js';

const PAGE_MAX = 200;
const states = ['open', 'reversed', 'split'] as const;

class DoubledGrantsQuery {
  @ApiPropertyOptional({ enum: states, default: 'open' })
  @IsOptional()
  @IsIn(states)
  state: (typeof states)[number] = 'open';

  @ApiPropertyOptional({ type: String, description: 'nextCursor of the page before' })
  @IsOptional()
  @Matches(/^[1-9]\d{0,14}$/, { message: 'cursor must be a nextCursor of this list' })
  cursor?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: PAGE_MAX, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(PAGE_MAX)
  limit = 50;
}

/** What a merge of persons brought to light. */
@ApiTags('claims')
@Controller('campaign/v1/doubled-grants')
export class DoubledGrantsController {
  constructor(private readonly merges: MergeIndex) {}

  @Get()
  @Roles('operator', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: "The owner's grants that one person got twice, newest first",
    description: 'Reverse one of the two in the ledger, with the pattern granted_twice, by dueAt: the item then ends.',
  })
  async list(@Query() { state, cursor, limit }: DoubledGrantsQuery, @CurrentCaller() caller: Caller) {
    const before = cursor === undefined ? undefined : Number(cursor);
    const rows = await this.merges.page(ownerOf(caller), state, before, limit + 1);
    const page = rows.slice(0, limit);
    const doubledGrants = page.map(({ personId, keptPersonId, ownerId: _, position: __, ...row }) => {
      // A person is an account to those outside.
      return { ...row, accountId: personId, keptAccountId: keptPersonId };
    });
    return { doubledGrants, ...cursorMember(rows.length > limit ? page.at(-1)?.position : undefined) };
  }
}

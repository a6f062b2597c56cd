import { Body, Controller, Get, Inject, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { type Clock, derivedId, isoTime } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CorrelationId,
  CreatedId,
  CurrentCaller,
  Idempotent,
  Problem,
  Public,
  Roles,
  valueOrProblem,
} from '@tsunagu/service-host';
import { IsIn, IsOptional, Matches } from 'class-validator';
import type { Programme } from '../domain/programme.js';
import { Programmes } from '../workflows/programmes.js';
import { IsPlainText } from './formats.js';
import { ownerOf } from './staff.js';

const NAME_MAX = 200;
/** Part of a stream's name and of addresses. */
const PROGRAMME_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

class ProgrammeBody {
  @ApiProperty({ type: String, pattern: PROGRAMME_ID.source })
  @Matches(PROGRAMME_ID, { message: 'programmeId must be 1 to 63 small letters, digits and hyphens' })
  programmeId: string;

  @IsPlainText(NAME_MAX)
  name: string;

  @ApiProperty({ enum: ['one', 'many'], description: 'How many providers a person may link in this programme' })
  @IsIn(['one', 'many'])
  providersPerPerson: 'one' | 'many';

  @ApiProperty({
    enum: ['none', 'person', 'proof'],
    description: 'Whether the person confirms a link once more, and with the card',
  })
  @IsIn(['none', 'person', 'proof'])
  linkConfirmation: 'none' | 'person' | 'proof';

  @ApiPropertyOptional({
    enum: ['never_after_claim', 'allowed'],
    default: 'never_after_claim',
    description: 'Whether a person may end a link after a claim in this programme',
  })
  @IsOptional()
  @IsIn(['never_after_claim', 'allowed'])
  linkChange?: 'never_after_claim' | 'allowed' | null;
}

@ApiTags('programmes')
@Controller('campaign')
export class ProgrammesController {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly programmes: Programmes,
  ) {}

  @Post('v1/programmes')
  @Roles('operator')
  @Idempotent()
  @ApiOperation({ summary: 'Create a programme of your own' })
  async create(
    @Body() body: ProgrammeBody,
    @CurrentCaller() caller: Caller,
    @CreatedId() createdId: string,
    @CorrelationId() correlationId: string,
  ) {
    const ownerId = ownerOf(caller);
    const cause = { correlationId, causationId: null, actor: caller.actor, ownerId };
    const id = derivedId('ProgrammeCreated', createdId);
    const at = isoTime(this.clock.now());
    const programme = { ...body, linkChange: body.linkChange ?? ('never_after_claim' as const), ownerId };
    return valueOrProblem(await this.programmes.create(programme, id, at, cause));
  }

  @Get('v1/programmes/:programmeId')
  @Public()
  @ApiOperation({ summary: 'One programme' })
  get(@Param('programmeId') programmeId: string): Promise<Programme> {
    return this.find(programmeId);
  }

  @Get('internal/v1/programmes/:programmeId')
  @Roles('service')
  @ApiOperation({ summary: 'What a link needs to know of its programme' })
  async question(@Param('programmeId') id: string) {
    const { programmeId, providersPerPerson, linkConfirmation, linkChange, ownerId } = await this.find(id);
    return { programmeId, providersPerPerson, linkConfirmation, linkChange, ownerId };
  }

  private async find(programmeId: string): Promise<Programme> {
    const programme = PROGRAMME_ID.test(programmeId) ? await this.programmes.find(programmeId) : undefined;
    if (!programme) throw new Problem({ code: 'request.not_found' });
    return programme;
  }
}

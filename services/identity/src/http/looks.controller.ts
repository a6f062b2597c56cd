import { Controller, Get, Header, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { type Caller, CurrentCaller, Roles } from '@tsunagu/service-host';
import { type LookRow, Looks } from '../outbound/looks.js';
import { Survivors } from '../workflows/survivors.js';
import { PageQuery } from './paging.js';

class LookAnswer {
  @ApiProperty({ format: 'uuid' })
  lookId: string;
  @ApiProperty({ format: 'date-time' })
  lookedAt: string;
  /** Of whoever looked, whose name is not told. */
  role: string;
  @ApiProperty({ type: String, nullable: true })
  ownerId: string | null;
  reason: string;
  @ApiProperty({ type: [String], description: 'Names of the fields shown' })
  fields: readonly string[];
}

class LookList {
  @ApiProperty({ type: [LookAnswer] })
  looks: readonly LookRow[];
  @ApiPropertyOptional()
  nextCursor?: string;
}

/** Who looked at a person, shown to the person. */
@ApiTags('persons')
@Controller('identity/v1/looks')
export class LooksController {
  constructor(
    private readonly looks: Looks,
    private readonly survivors: Survivors,
  ) {}

  @Get()
  @Roles('citizen')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Looks at the caller under any id that means them, newest first' })
  async list(@Query() { cursor, limit }: PageQuery, @CurrentCaller() caller: Caller): Promise<LookList> {
    const personIds = await this.survivors.sameAs(caller.subject);
    const { looks, next } = await this.looks.page(personIds, cursor ? Number(cursor) : undefined, limit);
    return { looks, ...(next === undefined ? {} : { nextCursor: next }) };
  }
}

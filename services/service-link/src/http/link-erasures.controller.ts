import { Controller, Get, Header, Param } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { isId } from '@tsunagu/kernel';
import { Problem, Roles } from '@tsunagu/service-host';
import { type ErasedPerson, ErasingLinks } from '../workflows/erasing-links.js';

/** What became here of an erasure at identity. */
@ApiTags('link erasures')
@Controller('service-link/v1/link-erasures')
export class LinkErasuresController {
  constructor(private readonly erasing: ErasingLinks) {}

  @Get(':erasureId')
  @Roles('support', 'operator', 'auditor')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'The proof of an erasure: which key of each id had to go here, where the log says so, and when it went',
  })
  async get(
    @Param('erasureId') erasureId: string,
  ): Promise<{ readonly erasureId: string; readonly keys: readonly ErasedPerson[] }> {
    const keys = isId(erasureId) ? await this.erasing.proofs(erasureId) : [];
    if (keys.length === 0) throw new Problem({ code: 'request.not_found' });
    return { erasureId, keys };
  }
}

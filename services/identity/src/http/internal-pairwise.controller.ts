import { Controller, Get, Param } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { isId } from '@tsunagu/kernel';
import { Problem, Roles } from '@tsunagu/service-host';
import { providerIdForm } from '../domain/client.js';
import { PairwiseIds } from '../workflows/pairwise-ids.js';

/** What service-link asks for a provider that has linked the person; null of somebody who is erased. */
@ApiExcludeController()
@Controller('identity/internal/v1/persons/:personId/pairwise-ids')
@Roles('service')
export class InternalPairwiseController {
  constructor(private readonly pairwiseIds: PairwiseIds) {}

  @Get(':providerId')
  async ofProvider(@Param('personId') personId: string, @Param('providerId') providerId: string) {
    const isAsked = isId(personId) && providerIdForm.test(providerId);
    const pairwiseId = isAsked ? await this.pairwiseIds.of(`provider:${providerId}`, personId) : undefined;
    if (pairwiseId === undefined) throw new Problem({ code: 'request.not_found' });
    return { pairwiseId };
  }
}

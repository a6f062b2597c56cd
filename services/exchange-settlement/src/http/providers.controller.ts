import { Body, Controller, Get, Inject, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { EventLog } from '@tsunagu/event-store';
import type { Clock } from '@tsunagu/kernel';
import { baseUrlFault } from '@tsunagu/provider-client';
import {
  type Caller,
  CLOCK,
  CONFIG,
  CorrelationId,
  CreatedId,
  CurrentCaller,
  DATABASE,
  EVENT_LOG,
  Idempotent,
  PARTS,
  PROJECTIONS,
  Problem,
  type ProjectionReader,
  Public,
  Roles,
  type ServiceParts,
  valueOrProblem,
} from '@tsunagu/service-host';
import type { Pool } from 'pg';
import type { ExchangeConfig } from '../config.js';
import { BANK_VAULT, type BankVault } from '../outbound/bank-vault.js';
import { contractWithProvider, readProvider } from '../workflows/provider-contracts.js';
import { ProviderOrder, payeeOf } from './provider-order.js';
import { ownerOf } from './staff.js';

/** Providers in one answer, by id. */
const listMax = 500;

interface ProviderView {
  readonly providerId: string;
  readonly name: string;
  readonly baseUrl: string;
  readonly unitPoints: number;
  readonly minimumPoints: number;
  /** Owners whose points can be exchanged here, each at its rate. */
  readonly contracts: readonly {
    readonly ownerId: string;
    readonly rateNumerator: number;
    readonly rateDenominator: number;
  }[];
}

@ApiTags('providers')
@Controller('exchange/v1/providers')
export class ProvidersController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: ExchangeConfig,
    @Inject(PARTS) private readonly parts: ServiceParts,
    @Inject(DATABASE) private readonly database: Pool,
    @Inject(PROJECTIONS) private readonly projections: ProjectionReader,
    @Inject(BANK_VAULT) private readonly vault: BankVault,
  ) {}

  @Post()
  @Roles('operator')
  @Idempotent()
  async contract(
    @Body() order: ProviderOrder,
    @CurrentCaller() caller: Caller,
    @CreatedId() requestId: string,
    @CorrelationId() correlationId: string,
  ) {
    const { providerId, name, unitPoints, minimumPoints } = order;
    const baseUrl = order.baseUrl.replace(/\/+$/, '');
    const rules = { allowedHosts: this.config.providerHosts, loopbackAllowed: this.parts.profile === 'test' };
    const fault = baseUrlFault(baseUrl, rules);
    if (fault) throw new Problem({ code: 'exchange.provider_address_refused', detail: `baseUrl ${fault}.` });
    const payee = payeeOf(order.bankAccount);
    if (!('payeeKana' in payee)) throw new Problem({ code: 'exchange.bank_account_invalid', errors: payee });
    const ownerId = ownerOf(caller);
    const rate = { rateNumerator: order.rateNumerator ?? 1, rateDenominator: order.rateDenominator ?? 1 };
    const provider = valueOrProblem(
      await contractWithProvider(
        { log: this.log, clock: this.clock, vault: this.vault },
        {
          providerId,
          ownerId,
          terms: { name, baseUrl, unitPoints, minimumPoints },
          rate,
          payee,
          actor: caller.actor,
          correlationId,
          requestId,
        },
      ),
    );
    const contracts = provider.contracts.map(({ ownerId: owner, ...contract }) => ({
      ownerId: owner,
      rateNumerator: contract.rateNumerator,
      rateDenominator: contract.rateDenominator,
    }));
    return { providerId, name, baseUrl, unitPoints, minimumPoints, ...rate, ownerId, contracts };
  }

  @Get()
  @Public()
  async list(): Promise<{ providers: readonly ProviderView[] }> {
    await this.projections.waitFor('providers');
    const found = await this.database.query<ProviderView>(
      `select p.provider_id as "providerId", p.name, p.base_url as "baseUrl",
              p.unit_points::float8 as "unitPoints", p.minimum_points::float8 as "minimumPoints",
              coalesce((select json_agg(json_build_object('ownerId', c.owner_id, 'rateNumerator', c.rate_numerator,
                                                          'rateDenominator', c.rate_denominator) order by c.owner_id)
                        from provider_contracts c where c.provider_id = p.provider_id), '[]') as contracts
       from providers p order by p.provider_id limit ${listMax}`,
    );
    return { providers: found.rows };
  }

  @Get(':providerId')
  @Public()
  async one(@Param('providerId') providerId: string): Promise<ProviderView> {
    const provider = isProviderId(providerId) ? (await readProvider(this.log, providerId)).provider : undefined;
    if (!provider) throw new Problem({ code: 'request.not_found' });
    const { name, baseUrl, unitPoints, minimumPoints } = provider;
    const contracts = provider.contracts.map(({ ownerId, rateNumerator, rateDenominator }) => ({
      ownerId,
      rateNumerator,
      rateDenominator,
    }));
    return { providerId, name, baseUrl, unitPoints, minimumPoints, contracts };
  }
}

export function isProviderId(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,39}$/.test(text);
}

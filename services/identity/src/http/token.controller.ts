import { Body, Controller, Header, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Clock } from '@tsunagu/kernel';
import { CLOCK, Problem, Public, type SigningKey, signAccessToken, valueOrProblem } from '@tsunagu/service-host';
import { Equals, IsOptional, IsString, MaxLength } from 'class-validator';
import { ClientAssertions, claimedClient } from '../outbound/client-assertions.js';
import { Clients } from '../workflows/clients.js';

export const STAFF_KEY = Symbol('STAFF_KEY');

const tokenSeconds = 15 * 60;
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

class TokenRequest {
  @Equals('client_credentials')
  grant_type: 'client_credentials';

  @Equals(assertionType)
  client_assertion_type: string;

  /** A JWT that a registered key signed: iss and sub the client's id, aud `tsunagu`, exp within 5 minutes, a jti of its own (RFC 7523). */
  @IsString()
  @MaxLength(4_096)
  client_assertion: string;

  @IsOptional()
  @IsString()
  @MaxLength(100)
  client_id?: string;
}

/** As RFC 6749 §5.1 names it. */
interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  /** Seconds. */
  readonly expires_in: number;
}

@ApiTags('machines')
@Controller('identity/v1/token')
export class TokenController {
  constructor(
    private readonly clients: Clients,
    private readonly assertions: ClientAssertions,
    @Inject(STAFF_KEY) private readonly key: () => Promise<SigningKey>,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Post()
  @Public()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiConsumes('application/x-www-form-urlencoded', 'application/json')
  @ApiOperation({ summary: 'A token for a machine: client credentials with private_key_jwt (RFC 7523)' })
  async token(@Body() { client_assertion, client_id }: TokenRequest): Promise<TokenAnswer> {
    const claimed = claimedClient(client_assertion);
    const client = isClientId(claimed) ? await this.clients.find(claimed) : undefined;
    if (client?.state !== 'active' || (client_id ?? claimed) !== claimed) {
      throw new Problem({ code: 'identity.client_invalid' });
    }
    valueOrProblem(await this.assertions.check(client_assertion, client));
    const { clientId, role, ownerId, providerId } = client;
    const claims = { subject: clientId, role, ownerId, providerId, ttlSeconds: tokenSeconds };
    const access_token = await signAccessToken(await this.key(), claims, this.clock);
    return { access_token, token_type: 'Bearer', expires_in: tokenSeconds };
  }
}

function isClientId(claimed: string | undefined): claimed is string {
  return typeof claimed === 'string' && /^[a-z0-9][a-z0-9-]{2,62}$/.test(claimed);
}

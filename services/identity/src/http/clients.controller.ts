import { Body, Controller, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import {
  type Caller,
  CorrelationId,
  CurrentCaller,
  Idempotent,
  Problem,
  Roles,
  valueOrProblem,
} from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn, IsOptional, Matches, ValidateNested } from 'class-validator';
import { type ClientRole, clientRoles, providerIdForm } from '../domain/client.js';
import { publicKeyOf } from '../outbound/client-assertions.js';
import { type ClientOfOwner, Clients } from '../workflows/clients.js';

const clientIdForm = /^[a-z0-9][a-z0-9-]{2,62}$/;
/** The old key and the new one while it is changed, and some room. */
const keysMax = 5;
const base64urlForm = /^[A-Za-z0-9_-]{1,700}$/;

class ClientKeyBody {
  @ApiProperty({ description: 'Named in the header of each assertion' })
  @Matches(/^[\x21-\x7e]{1,100}$/)
  kid: string;

  @IsIn(['RSA', 'EC', 'OKP'])
  kty: 'RSA' | 'EC' | 'OKP';

  @IsOptional()
  @IsIn(['P-256', 'Ed25519'])
  crv?: string;

  @IsOptional()
  @Matches(base64urlForm)
  n?: string;

  @IsOptional()
  @Matches(base64urlForm)
  e?: string;

  @IsOptional()
  @Matches(base64urlForm)
  x?: string;

  @IsOptional()
  @Matches(base64urlForm)
  y?: string;
}

class ClientKeysBody {
  /** Public halves: RSA of 2048 to 4096 bits, P-256 or Ed25519. */
  @ApiProperty({ type: [ClientKeyBody] })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(keysMax)
  @ValidateNested({ each: true })
  @Type(() => ClientKeyBody)
  keys: ClientKeyBody[];
}

class ClientBody extends ClientKeysBody {
  @ApiProperty({ pattern: clientIdForm.source })
  @Matches(clientIdForm, { message: 'clientId must be 3 to 63 small letters, digits and hyphens' })
  clientId: string;

  @ApiProperty({ enum: clientRoles })
  @IsIn(clientRoles)
  role: ClientRole;

  @ApiPropertyOptional({
    type: String,
    pattern: providerIdForm.source,
    description:
      'Of a partner: the provider that it speaks for; your owner must have a contract with it when it is used',
  })
  @IsOptional()
  @Matches(providerIdForm, { message: 'providerId must be 1 to 40 of a-z, 0-9 and -' })
  providerId?: string | null;
}

/** Machines of an owner. They get their tokens at `POST /identity/v1/token`. */
@ApiTags('machines')
@Controller('identity/v1/clients')
@Roles('operator')
export class ClientsController {
  constructor(private readonly clients: Clients) {}

  @Post()
  @Idempotent()
  @ApiOperation({ summary: 'Register a machine and its public keys' })
  async register(
    @Body() { clientId, role, keys, providerId }: ClientBody,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<ClientOfOwner> {
    if (providerId != null && role !== 'partner') {
      const message = 'only a partner speaks for a provider';
      throw new Problem({ code: 'request.invalid', errors: [{ field: 'providerId', code: 'not_with_role', message }] });
    }
    const wanted = { clientId, role, keys: checkedKeys(keys), ...(providerId != null && { providerId }) };
    return valueOrProblem(await this.clients.register(wanted, { caller, correlationId }));
  }

  @Get()
  @ApiOperation({ summary: 'The machines of your owner' })
  async list(@CurrentCaller() caller: Caller): Promise<{ clients: readonly ClientOfOwner[] }> {
    return { clients: await this.clients.of(ownerOf(caller)) };
  }

  @Get(':clientId')
  @ApiOperation({ summary: 'One machine' })
  get(@Param('clientId') clientId: string, @CurrentCaller() caller: Caller): Promise<ClientOfOwner> {
    return this.#own(clientId, caller);
  }

  @Put(':clientId/keys')
  @ApiOperation({ summary: 'Replace its keys, all at once: first the old and the new one, later the new one alone' })
  async replaceKeys(
    @Param('clientId') clientId: string,
    @Body() { keys }: ClientKeysBody,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<ClientOfOwner> {
    await this.#own(clientId, caller);
    return valueOrProblem(await this.clients.replaceKeys(clientId, checkedKeys(keys), { caller, correlationId }));
  }

  @Post(':clientId/disable')
  @HttpCode(200)
  @ApiOperation({ summary: 'No more tokens for this machine, for good; those that it has run out within 15 minutes' })
  async disable(
    @Param('clientId') clientId: string,
    @CurrentCaller() caller: Caller,
    @CorrelationId() correlationId: string,
  ): Promise<ClientOfOwner> {
    await this.#own(clientId, caller);
    return this.clients.disable(clientId, { caller, correlationId });
  }

  async #own(clientId: string, caller: Caller): Promise<ClientOfOwner> {
    const found = clientIdForm.test(clientId) ? await this.clients.find(clientId) : undefined;
    if (found?.ownerId !== ownerOf(caller)) throw new Problem({ code: 'request.not_found' });
    return found;
  }
}

function ownerOf({ ownerId }: Caller): string {
  if (ownerId === null) throw new Problem({ code: 'auth.role_required' });
  return ownerId;
}

function checkedKeys(keys: readonly ClientKeyBody[]): readonly ClientKeyBody[] {
  const errors = keys.flatMap((key, at) =>
    publicKeyOf(key) ? [] : [{ field: `keys.${at}`, code: 'public_key', message: 'not a public key that is taken' }],
  );
  if (new Set(keys.map(({ kid }) => kid)).size < keys.length) {
    errors.push({ field: 'keys', code: 'kid_twice', message: 'two keys have one kid' });
  }
  if (errors.length > 0) throw new Problem({ code: 'request.invalid', errors });
  return keys.map((key) => ({ ...key }));
}

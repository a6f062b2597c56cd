import { Body, Controller, Get, Header, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiExcludeEndpoint, ApiProperty, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { isId, isoTime } from '@tsunagu/kernel';
import {
  type Caller,
  CorrelationId,
  CurrentCaller,
  PARTS,
  Problem,
  Public,
  publicKeys,
  type ServiceParts,
  valueOrProblem,
} from '@tsunagu/service-host';
import { IsBoolean, IsOptional, IsString, Length } from 'class-validator';
import { NationalSigningIn, type OwnSession } from '../workflows/national-signing-in.js';
import { Sessions } from '../workflows/sessions.js';
import { SessionAnswer } from './sessions.controller.js';

/** Characters. Codes of logins are short texts, but RFC 6749 gives no limit. */
const codeMax = 2_000;

class LoginOffer {
  /** The login as people know it. */
  name: string;
  /** Whether a login may be begun with `sign`. */
  signs: boolean;
}

class LoginRequest {
  /** The login is to be joined to the person of the session whose token comes along. Asked for, never guessed from a token. */
  @IsOptional()
  @IsBoolean()
  join?: boolean;

  /**
   * The person's card signs in the login with its signature password, which ties the login to whoever the card belongs to, now or
   * when it comes.
   */
  @IsOptional()
  @IsBoolean()
  sign?: boolean;
}

export class LoginAnswer {
  loginId: string;
  /** Where the person's browser goes. It comes back with code and state, and iss where the login sends one. */
  authorizationUrl: string;
  @ApiProperty({ format: 'date-time' })
  expiresAt: string;
}

export class LoginReturned {
  @IsString()
  @Length(1, codeMax)
  code: string;

  @IsString()
  @Length(1, 200)
  state: string;

  /** RFC 9207: as it came back. */
  @IsOptional()
  @IsString()
  @Length(1, 500)
  iss?: string;

  /** Needed after a withdrawal only: the person lets what the login tells be used again. */
  @IsOptional()
  @IsBoolean()
  consent?: boolean;
}

/** Signing in with the national login (OpenID). Everything is 404 where the platform offers none. */
@ApiTags('sessions')
@Controller('identity/v1/national-login')
export class NationalLoginController {
  constructor(
    @Inject(NationalSigningIn) private readonly signingIn: NationalSigningIn | null,
    private readonly sessions: Sessions,
    @Inject(PARTS) private readonly parts: ServiceParts,
  ) {}

  /** Whether there is a national login, and its name. */
  @Get()
  @Public()
  offer(): LoginOffer {
    const { name, signs } = this.offered();
    return { name, signs };
  }

  /** Begins a login: ten minutes, one use. With `join` it needs the token of the citizen's session that it is to be joined in. */
  @Post()
  @Public()
  @ApiBearerAuth()
  @ApiSecurity({})
  async begin(@Body() body: LoginRequest, @CurrentCaller() caller: Caller | undefined): Promise<LoginAnswer> {
    const signingIn = this.offered();
    const session = body?.join ? sessionOf(caller) : null;
    if (body?.join && !session) throw new Problem({ code: 'auth.token_invalid', detail: 'Joining needs a session.' });
    const sign = body?.sign === true;
    if (sign && !signingIn.signs) throw new Problem({ code: 'identity.login_signing_off' });
    const begun = valueOrProblem(await signingIn.begin(session, { sign }));
    const { loginId, authorizationUrl, expiresAtMs } = begun;
    return { loginId, authorizationUrl, expiresAt: isoTime(expiresAtMs) };
  }

  /** Signs in with what came back. A login that was begun to be joined needs the same token again, any other takes none. */
  @Post(':loginId/complete')
  @Public()
  @ApiBearerAuth()
  @ApiSecurity({})
  @HttpCode(201)
  async complete(
    @Param('loginId') loginId: string,
    @Body() body: LoginReturned,
    @CurrentCaller() caller: Caller | undefined,
    @CorrelationId() correlationId: string,
  ): Promise<SessionAnswer> {
    const signingIn = this.offered();
    const session = sessionOf(caller);
    if (!isId(loginId)) throw new Problem({ code: 'identity.login_expired' });
    const person = valueOrProblem(await signingIn.complete(loginId, body, session, correlationId));
    const { accessToken, expiresAtMs } = await this.sessions.open(person.personId, 'login', correlationId);
    return { accessToken, tokenType: 'Bearer', expiresAt: isoTime(expiresAtMs), person };
  }

  /** The public halves of the keys that this platform proves itself to the login with: for the login alone. */
  @Get('jwks.json')
  @Public()
  @ApiExcludeEndpoint()
  @Header('cache-control', 'public, max-age=30')
  async keys() {
    this.offered();
    return { keys: await publicKeys(this.parts.keyDirectory, 'login') };
  }

  private offered(): NationalSigningIn {
    if (!this.signingIn) throw new Problem({ code: 'request.not_found' });
    return this.signingIn;
  }
}

function sessionOf(caller: Caller | undefined): OwnSession | null {
  if (!caller) return null;
  if (caller.role !== 'citizen') {
    throw new Problem({ code: 'auth.role_required', detail: 'The call needs the role citizen, or no token.' });
  }
  return { personId: caller.subject, tokenId: caller.tokenId };
}

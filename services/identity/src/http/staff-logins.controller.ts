import { Body, Controller, Get, Header, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiProperty, ApiTags } from '@nestjs/swagger';
import { isId, isoTime } from '@tsunagu/kernel';
import { PARTS, Problem, Public, publicKeys, type ServiceParts, valueOrProblem } from '@tsunagu/service-host';
import { IsIn } from 'class-validator';
import { type StaffRole, staffRoles } from '../domain/staff-member.js';
import { StaffSigningIn } from '../workflows/staff-signing-in.js';
import { LoginAnswer, LoginReturned } from './national-login.controller.js';

class StaffLoginOffer {
  /** The login as staff know it. */
  name: string;
}

class StaffLoginRequest {
  /** The role of the session: whoever has several chooses one. */
  @IsIn(staffRoles)
  role: StaffRole;
}

class StaffLoginDone {
  accessToken: string;
  tokenType: 'Bearer';
  @ApiProperty({ format: 'date-time' })
  expiresAt: string;
  sessionId: string;
  /** Who this is in the log: `staff:` and this text is the actor, the same in every role. */
  subject: string;
  @ApiProperty({ enum: staffRoles })
  role: StaffRole;
  ownerId: string;
}

/** Staff sign in with their organisation's login (OpenID). Everything is 404 where none is set. */
@ApiTags('staff')
@Controller('identity/v1/staff-logins')
export class StaffLoginsController {
  constructor(
    @Inject(StaffSigningIn) private readonly signingIn: StaffSigningIn | null,
    @Inject(PARTS) private readonly parts: ServiceParts,
  ) {}

  /** Whether there is a staff login, and its name. */
  @Get()
  @Public()
  offer(): StaffLoginOffer {
    return { name: this.offered().name };
  }

  /** Begins a login: ten minutes, one use. */
  @Post()
  @Public()
  async begin(@Body() { role }: StaffLoginRequest): Promise<LoginAnswer> {
    const { loginId, authorizationUrl, expiresAtMs } = valueOrProblem(await this.offered().begin(role));
    return { loginId, authorizationUrl, expiresAt: isoTime(expiresAtMs) };
  }

  /** Signs in with what came back. */
  @Post(':loginId/complete')
  @Public()
  @HttpCode(201)
  @Header('cache-control', 'no-store')
  async complete(@Param('loginId') loginId: string, @Body() body: LoginReturned): Promise<StaffLoginDone> {
    const signingIn = this.offered();
    if (!isId(loginId)) throw new Problem({ code: 'identity.login_expired' });
    const { accessToken, session } = valueOrProblem(await signingIn.complete(loginId, body));
    const { sessionId, subject, role, ownerId, expiresAt } = session;
    return { accessToken, tokenType: 'Bearer', expiresAt: expiresAt.toISOString(), sessionId, subject, role, ownerId };
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

  private offered(): StaffSigningIn {
    if (!this.signingIn) throw new Problem({ code: 'identity.staff_login_off' });
    return this.signingIn;
  }
}

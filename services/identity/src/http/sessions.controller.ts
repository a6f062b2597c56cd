import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiProperty, ApiPropertyOptional, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { type Clock, type FieldError, isId, isoTime } from '@tsunagu/kernel';
import {
  type Caller,
  CLOCK,
  CorrelationId,
  CurrentCaller,
  ENDED_SESSIONS,
  type EndedSessions,
  Problem,
  Public,
  Roles,
  valueOrProblem,
} from '@tsunagu/service-host';
import { Type } from 'class-transformer';
import {
  Equals,
  IsBase64,
  IsBoolean,
  IsObject,
  IsOptional,
  IsString,
  isUUID,
  Length,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { KeptCertificates } from '../outbound/kept-certificates.js';
import { SessionEnds, type SessionWay } from '../outbound/session-ends.js';
import { readCertificate } from '../verification/card-certificate.js';
import { Sessions } from '../workflows/sessions.js';
import { type Proof, SigningIn } from '../workflows/signing-in.js';

/** Characters of base64: a certificate of 6 KB, a signature of 525 bytes, twice what an RSA key of 2048 bits makes. */
const certificateMax = 8_192;
const signatureMax = 700;

export class CardProof {
  /** DER, base64. */
  @IsString()
  @Length(1, certificateMax)
  @IsBase64()
  certificate: string;

  /**
   * Over the 32 bytes of the nonce, base64, as the certificate's profile says: RSASSA-PKCS1-v1_5 with SHA-256 for RSA of 2048 bits,
   * ECDSA with SHA-384 in DER (RFC 3279 Ecdsa-Sig-Value) for P-384.
   */
  @IsString()
  @Length(1, signatureMax)
  @IsBase64()
  signature: string;
}

class AttributesProof extends CardProof {
  @IsOptional()
  @Equals('signatureCertificate')
  kind?: 'signatureCertificate';
}

class SessionRequest extends CardProof {
  @IsString()
  @MaxLength(100)
  challengeId: string;

  /** The digital-signature certificate over the same nonce, when the person lets the attributes be read. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => AttributesProof)
  attributes?: AttributesProof;

  /** The card is to be joined to the person of the session whose token comes along. Asked for, never guessed from a token. */
  @IsOptional()
  @IsBoolean()
  join?: boolean;
}

class SessionPerson {
  personId: string;
  myKeyId: string | null;
}

export class SessionAnswer {
  accessToken: string;
  tokenType: 'Bearer';
  expiresAt: string;
  person: SessionPerson;
}

class OwnSessionAnswer {
  sessionId: string;
  /** Absent, as `how` is, of a session from before these were kept. */
  @ApiPropertyOptional({ format: 'date-time' })
  openedAt?: string;
  @ApiProperty({ format: 'date-time' })
  expiresAt: string;
  @ApiPropertyOptional({ enum: ['card', 'login', 'terminal'] })
  how?: SessionWay;
  /** The counter or kiosk of a session there. */
  terminalId?: string;
  /** The session that asks. */
  current: boolean;
}

class OwnSessionList {
  @ApiProperty({ type: [OwnSessionAnswer] })
  sessions: readonly OwnSessionAnswer[];
}

@ApiTags('sessions')
@Controller('identity/v1/sessions')
export class SessionsController {
  constructor(
    private readonly signingIn: SigningIn,
    private readonly sessionEnds: SessionEnds,
    private readonly kept: KeptCertificates,
    private readonly sessions: Sessions,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(ENDED_SESSIONS) private readonly endedSessions: EndedSessions,
  ) {}

  /** Signs in with a card. With `join` it needs the token of the citizen's session of the national login that it is to be joined in. */
  @Post()
  @Public()
  @ApiBearerAuth()
  @ApiSecurity({})
  async open(
    @Body() body: SessionRequest,
    @CurrentCaller() caller: Caller | undefined,
    @CorrelationId() correlationId: string,
  ): Promise<SessionAnswer> {
    const card = proofFrom(body, 'certificate');
    const attributes = body.attributes && proofFrom(body.attributes, 'attributes.certificate');
    if (!isId(body.challengeId)) throw new Problem({ code: 'identity.challenge_expired' });
    const joiningPersonId = body.join ? await this.ofLogin(caller) : undefined;
    const signedIn = await this.signingIn.signIn(body.challengeId, card, attributes, correlationId, {
      joiningPersonId,
    });
    const person = valueOrProblem(signedIn);
    await this.kept.keep(person.personId, card.certificate, this.clock.now());
    const { accessToken, expiresAtMs } = await this.sessions.open(person.personId, 'card', correlationId);
    return { accessToken, tokenType: 'Bearer', expiresAt: isoTime(expiresAtMs), person };
  }

  /** The caller's open sessions, the newest 100 first. */
  @Get()
  @Roles('citizen')
  async list(@CurrentCaller() caller: Caller): Promise<OwnSessionList> {
    const open = await this.sessions.openOf(caller.subject);
    const sessions = open.map(({ sessionId, tokenId, openedAt, expiresAt, how, terminalId }) => ({
      sessionId,
      ...(openedAt && { openedAt: openedAt.toISOString() }),
      expiresAt: expiresAt.toISOString(),
      ...(how && { how }),
      ...(terminalId !== null && { terminalId }),
      current: tokenId === caller.tokenId,
    }));
    return { sessions };
  }

  /** Ends all of the caller's sessions but the one that asks. */
  @Delete()
  @Roles('citizen')
  @HttpCode(204)
  async endOthers(@CurrentCaller() caller: Caller): Promise<void> {
    for (const tokenId of await this.sessions.endOthers(caller.subject, caller.tokenId)) {
      this.endedSessions.add(tokenId);
    }
  }

  /** Logs out: the token is refused from now on, here at once and by the other services within moments. */
  @Delete('current')
  @Roles('citizen', 'kiosk')
  @HttpCode(204)
  async end(@CurrentCaller() caller: Caller): Promise<void> {
    await this.sessionEnds.end(caller.tokenId, caller.expiresAt);
    this.endedSessions.add(caller.tokenId);
  }

  /** Ends one of the caller's sessions. Repeating it changes nothing. */
  @Delete(':sessionId')
  @Roles('citizen')
  @HttpCode(204)
  async endOne(@Param('sessionId') sessionId: string, @CurrentCaller() caller: Caller): Promise<void> {
    const tokenId = isUUID(sessionId) ? await this.sessions.endOne(caller.subject, sessionId) : undefined;
    if (tokenId === undefined) throw new Problem({ code: 'request.not_found' });
    this.endedSessions.add(tokenId);
  }

  /** The person of a session that the national login opened: in a session of a card, another card proves nothing of its holder. */
  private async ofLogin(caller: Caller | undefined): Promise<string> {
    if (!caller) throw new Problem({ code: 'auth.token_invalid', detail: 'Joining needs a session.' });
    if (caller.role !== 'citizen') {
      throw new Problem({ code: 'auth.role_required', detail: 'The call needs the role citizen, or no token.' });
    }
    const way = await this.sessionEnds.wayOf(caller.tokenId);
    // Ended, perhaps by another process, or of a token that no session opened.
    if (way === undefined) throw new Problem({ code: 'auth.token_invalid', detail: 'The session is not open.' });
    if (way !== 'login') throw new Problem({ code: 'identity.login_session_required' });
    return caller.subject;
  }
}

export function proofFrom({ certificate, signature }: CardProof, field: string): Proof {
  const read = readCertificate(Buffer.from(certificate, 'base64'));
  if (!read) {
    const error: FieldError = { field, code: 'not_a_certificate', message: 'not an X.509 certificate in DER' };
    throw new Problem({ code: 'request.invalid', errors: [error] });
  }
  return { certificate: read, signature: Buffer.from(signature, 'base64') };
}

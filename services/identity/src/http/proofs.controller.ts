import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { EventLog } from '@tsunagu/event-store';
import { isId } from '@tsunagu/kernel';
import { EVENT_LOG, Problem, Roles } from '@tsunagu/service-host';
import { IsBase64, IsIn, IsObject, IsOptional, IsString, IsUUID, Length, Matches, MaxLength } from 'class-validator';
import { type FreezeEvent, foldFreeze, freezeStream } from '../domain/freeze.js';
import { personStream } from '../domain/person.js';
import { domainEvents } from '../recording.js';
import { certificateHashOf, Proving } from '../workflows/proving.js';

class ProofQuestion {
  /** Empty or unknown: the answer says what is wrong. */
  @IsOptional()
  @IsString()
  @MaxLength(100)
  challengeId?: string;

  @IsOptional()
  @IsString()
  @Length(1, 700)
  @IsBase64()
  signature?: string;

  /** For a held proof: the certificate that lies in the terminal, DER, base64. */
  @IsOptional()
  @IsString()
  @Length(1, 8_192)
  @IsBase64()
  certificate?: string;

  @IsIn(['signed', 'held'])
  level: 'signed' | 'held';

  @IsUUID()
  personId: string;

  @Matches(/^[a-z][a-z0-9_.-]{0,63}$/)
  purpose: string;

  @IsObject()
  operation: Record<string, unknown>;
}

type ProofAnswer =
  | { readonly ok: true; readonly certificateRef: string }
  | { readonly ok: false; readonly code: string; readonly detail?: string; readonly retryAfterSeconds?: number };

/** What other services ask before a write: does the person's card stand behind it, and is the person frozen? */
@ApiExcludeController()
@Controller('identity/internal/v1')
@Roles('service')
export class ProofsController {
  constructor(
    @Inject(EVENT_LOG) private readonly log: EventLog,
    private readonly proving: Proving,
  ) {}

  /** Uses the challenge up, so the same question asked twice is answered `challenge_used`. */
  @Post('proofs')
  @HttpCode(200)
  async proof(@Body() question: ProofQuestion): Promise<ProofAnswer> {
    const { challengeId, signature, certificate, level, personId, purpose, operation } = question;
    const act = { purpose, operation };
    const bytes = (text: string) => Buffer.from(text, 'base64');
    const proven =
      level === 'signed'
        ? await this.proving.signed(
            challengeId && signature ? { challengeId, signature: bytes(signature) } : undefined,
            personId,
            act,
          )
        : await this.proving.held(
            challengeId && certificate
              ? { challengeId, certificateHash: certificateHashOf(bytes(certificate)) }
              : undefined,
            act,
          );
    if (!proven.ok) return { ok: false, ...proven.refusal };
    if (proven.value.personId === personId) return { ok: true, certificateRef: proven.value.certificateRef };
    return { ok: false, code: 'identity.fresh_proof_required', detail: 'The card belongs to another person.' };
  }

  @Get('persons/:personId/standing')
  async standing(@Param('personId') personId: string): Promise<{ frozen: boolean }> {
    if (!isId(personId)) throw new Problem({ code: 'request.not_found' });
    const [person, freeze] = [personStream(personId), freezeStream(personId)];
    const streams = await this.log.readStreams([person, freeze]);
    if (domainEvents(streams, person).length === 0) throw new Problem({ code: 'request.not_found' });
    return { frozen: foldFreeze(domainEvents<FreezeEvent>(streams, freeze)).frozen };
  }
}

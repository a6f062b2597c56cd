import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { endOfDay, isJapanDay, isoTime, type JapanDay, startOfDay } from '@tsunagu/kernel';
import { Problem } from '@tsunagu/service-host';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { instantOf } from './formats.js';

/** Ten years, the longest that books are kept, and a leap day or three. */
const periodDaysMax = 3_653;
const dayMs = 86_400_000;

/** Two times: what had become effective, and what was known. */
export class Times {
  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'Effective time, default now' })
  @IsOptional()
  @IsString()
  @MaxLength(40)
  at?: string;

  @ApiPropertyOptional({ type: String, format: 'date-time', description: 'What was recorded by then, default now' })
  @IsOptional()
  @IsString()
  @MaxLength(40)
  recordedAt?: string;
}

/** Days in Japan, both included. */
export class Period {
  @ApiProperty({ type: String, format: 'date', description: 'First day, in Japan' })
  @IsString()
  @MaxLength(10)
  from: string;

  @ApiProperty({ type: String, format: 'date', description: 'Last day, in Japan, included' })
  @IsString()
  @MaxLength(10)
  to: string;
}

/** A query's instant in ms; undefined where absent. Refuses a text that is none. */
export function instant(field: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = instantOf(text);
  if (ms === undefined) throw invalid(field, 'is_instant', `${field} must be a time of ISO 8601 with an offset`);
  return ms;
}

/** What a query's times ask for: `at` and `recordedAt` as answers show them, and the cut. A time itself is included. */
export function cutOf(times: Times, nowMs: number) {
  const [at = nowMs, recordedAt] = [instant('at', times.at), instant('recordedAt', times.recordedAt)];
  return {
    atMs: at,
    at: isoTime(at),
    recordedAt: isoTime(recordedAt ?? nowMs),
    cut: { effectiveBefore: at + 1, recordedBefore: recordedBefore(recordedAt) },
  };
}

/** Nothing is recorded later than now, whatever the clock of the process that recorded it says. */
export function recordedBefore(recordedAt: number | undefined): number {
  return recordedAt === undefined ? Number.POSITIVE_INFINITY : recordedAt + 1;
}

/** The instants (ms) at which a period begins and has ended. Refuses days that do not exist, and a period that is too long. */
export function periodOf({ from, to }: Period): { readonly from: number; readonly until: number } {
  const [first, last] = [dayOf('from', from), dayOf('to', to)];
  if (last < first) throw invalid('to', 'before_from', 'the last day must not lie before the first');
  const period = { from: startOfDay(first), until: endOfDay(last) };
  if ((period.until - period.from) / dayMs <= periodDaysMax) return period;
  throw invalid('to', 'too_long', `a period has at most ${periodDaysMax} days`);
}

function dayOf(field: string, text: string): JapanDay {
  if (isJapanDay(text) && text >= '1900-01-01' && text < '3000-01-01') return text;
  throw invalid(field, 'is_day', `${field} must be an existing day, YYYY-MM-DD`);
}

export function invalid(field: string, code: string, message: string): Problem {
  return new Problem({ code: 'request.invalid', errors: [{ field, code, message }] });
}

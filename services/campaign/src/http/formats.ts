import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { isJapanDay } from '@tsunagu/kernel';
import { registerDecorator } from 'class-validator';

/** What PostgreSQL and every calendar here can hold, also after a shift to UTC. */
const EARLIEST_MS = Date.parse('1900-01-01T00:00:00Z');
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

const INSTANT = /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
/** Control characters, halves of surrogate pairs, line and paragraph separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/u;

/** An instant of ISO 8601 with an offset. */
export function isInstant(text: unknown): text is string {
  if (typeof text !== 'string' || text.length > 40 || !INSTANT.test(text) || !isJapanDay(text.slice(0, 10)))
    return false;
  const ms = Date.parse(text);
  return ms >= EARLIEST_MS && ms <= LATEST_MS;
}

function isPlainText(text: unknown, maxLength: number): boolean {
  return typeof text === 'string' && text.length <= maxLength && text.trim() !== '' && !UNPRINTABLE.test(text);
}

/** `required` is what the document says; @IsOptional beside it is what is checked. */
export function IsInstant({ required = true } = {}) {
  return checked('isInstant', isInstant, '$property must be a time of ISO 8601 with an offset', {
    type: 'string',
    format: 'date-time',
    required,
  });
}

export function IsDay({ required = true } = {}) {
  const schema = { type: 'string', format: 'date', required } as const;
  return checked('isDay', isJapanDay, '$property must be a day, YYYY-MM-DD', schema);
}

/** A name for people to read: not blank, no control characters. */
export function IsPlainText(maxLength: number) {
  const message = `$property must be a text of 1 to ${maxLength} characters without control characters`;
  return checked('isPlainText', (text) => isPlainText(text, maxLength), message, { type: 'string', maxLength });
}

function checked(
  name: string,
  validate: (value: unknown) => boolean,
  message: string,
  schema: { type: 'string'; format?: string; maxLength?: number; required?: boolean },
) {
  return applyDecorators(ApiProperty(schema), (target: object, property?: string | symbol) =>
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: String(property),
      options: { message },
      validator: { validate },
    }),
  );
}

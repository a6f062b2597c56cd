import { ValidationPipe } from '@nestjs/common';
import type { FieldError } from '@tsunagu/kernel';
import type { ValidationError } from 'class-validator';
import { Problem } from './problem.js';

/** Field errors in one answer. */
const FIELD_ERRORS_MAX = 50;
/** A field's name may be the caller's own text. */
const FIELD_NAME_CHARACTERS_MAX = 100;

/** DTO classes decide what a request may hold: an unknown field is refused, nothing is converted silently. */
export function validationPipe(): ValidationPipe {
  return new ValidationPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    transform: true,
    stopAtFirstError: true,
    validationError: { target: false, value: false },
    exceptionFactory: (errors) => new Problem({ code: 'request.invalid', errors: fieldErrors(errors) }),
  });
}

function fieldErrors(errors: readonly ValidationError[], parent = ''): FieldError[] {
  return errors
    .flatMap((error) => {
      const field = `${parent}${error.property}`.slice(0, FIELD_NAME_CHARACTERS_MAX);
      const own = Object.entries(error.constraints ?? {}).map(([constraint, message]) => ({
        field,
        code: constraint === 'whitelistValidation' ? 'unknown_field' : snakeCase(constraint),
        message: message.slice(0, 300),
      }));
      return [...own, ...fieldErrors(error.children ?? [], `${field}.`)];
    })
    .slice(0, FIELD_ERRORS_MAX);
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

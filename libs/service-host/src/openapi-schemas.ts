import { createRequire } from 'node:module';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { getMetadataStorage } from 'class-validator';

/** class-transformer keeps what `@Type` says in a storage that only this file of it exports (@nestjs/swagger reads it too). */
const { defaultMetadataStorage: types } = createRequire(import.meta.url)('class-transformer/cjs/storage.js') as {
  defaultMetadataStorage: {
    findTypeMetadata(target: object, property: string): { typeFunction?: () => unknown } | undefined;
  };
};

type Rule = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];
type Schema = Record<string, unknown>;
type Constraints = readonly unknown[];

/** JSON Schema of the constraints in use; one that is not here leaves the schema wider than the check. */
const SCHEMAS: Readonly<Record<string, (constraints: Constraints) => Schema>> = {
  isString: () => ({ type: 'string' }),
  isInt: () => ({ type: 'integer' }),
  isNumber: () => ({ type: 'number' }),
  isBoolean: () => ({ type: 'boolean' }),
  isObject: () => ({ type: 'object' }),
  isUuid: () => ({ type: 'string', format: 'uuid' }),
  isIso8601: () => ({ type: 'string', format: 'date-time' }),
  isBase64: () => ({ type: 'string', format: 'byte' }),
  isIn: ([choices]) => ({ enum: choices }),
  min: ([minimum]) => ({ minimum }),
  max: ([maximum]) => ({ maximum }),
  minLength: ([minLength]) => ({ minLength }),
  maxLength: ([maxLength]) => ({ maxLength }),
  isLength: ([minLength, maxLength]) => ({ minLength, ...(maxLength === undefined ? {} : { maxLength }) }),
  matches: ([pattern]) => (pattern instanceof RegExp ? { type: 'string', pattern: pattern.source } : {}),
};
const ARRAY_SCHEMAS: Readonly<Record<string, (constraints: Constraints) => Schema>> = {
  arrayMinSize: ([minItems]) => ({ minItems }),
  arrayMaxSize: ([maxItems]) => ({ maxItems }),
  arrayUnique: () => ({ uniqueItems: true }),
};

const described = new WeakSet<object>();

/** Gives DTO classes and the classes nested in them the OpenAPI properties that their class-validator decorators say, so nothing is written twice. */
export function describeDto(target: unknown): void {
  if (typeof target !== 'function' || described.has(target)) return;
  described.add(target);
  const storage = getMetadataStorage();
  const metadata = storage.getTargetValidationMetadatas(target, '', true, false);
  for (const [property, rules] of Object.entries(storage.groupByPropertyName(metadata))) {
    if (Reflect.hasMetadata('swagger/apiModelProperties', target.prototype as object, property)) continue;
    ApiProperty(propertyOptions(target, property, rules))(target.prototype as object, property);
  }
}

function propertyOptions(target: object, property: string, rules: readonly Rule[]): ApiPropertyOptions {
  const prototype = (target as { prototype: object }).prototype;
  const nested = rules.some(({ type }) => type === 'nestedValidation')
    ? types.findTypeMetadata(target, property)?.typeFunction?.()
    : undefined;
  describeDto(nested);
  const isArray =
    Reflect.getMetadata('design:type', prototype, property) === Array ||
    rules.some(({ name, each }) => each || name === 'isArray');
  const item = Object.assign(
    {},
    ...rules.map(({ name, constraints }) => SCHEMAS[name ?? '']?.(constraints ?? []) ?? {}),
  );
  const array = Object.assign(
    {},
    ...rules.map(({ name, constraints }) => ARRAY_SCHEMAS[name ?? '']?.(constraints ?? []) ?? {}),
  );
  const required = !rules.some(({ name, type }) => name === 'isOptional' || type === 'conditionalValidation');
  if (nested) return { type: nested as never, isArray, required, ...array } as ApiPropertyOptions;
  if (isArray) return { type: 'array', items: item, required, ...array } as ApiPropertyOptions;
  return {
    ...(item.type || item.enum ? {} : { type: designType(prototype, property) }),
    ...item,
    required,
  } as ApiPropertyOptions;
}

function designType(prototype: object, property: string): string {
  const design: unknown = Reflect.getMetadata('design:type', prototype, property);
  if (design === Number) return 'number';
  if (design === Boolean) return 'boolean';
  return design === Object ? 'object' : 'string';
}

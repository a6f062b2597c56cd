import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { ServiceName } from '@tsunagu/contracts';
import { httpHandlers } from './http-handlers.js';
import { describeDto } from './openapi-schemas.js';

const PROBLEM = {
  type: 'object',
  description: 'RFC 9457. `code` is stable; every code is explained in docs/errors.md.',
  required: ['type', 'title', 'status', 'detail', 'code', 'traceId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string' },
    traceId: { type: 'string' },
    next: { type: 'string', description: 'What the caller can do.' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: { field: { type: 'string' }, code: { type: 'string' }, message: { type: 'string' } },
      },
    },
    retryAfterSeconds: { type: 'integer' },
  },
};

/** A service's OpenAPI document: complete paths, internal ones left out, every operation with its problem answer. */
export function openApiDocument(app: NestFastifyApplication, name: ServiceName): OpenAPIObject {
  const description = new DocumentBuilder()
    .setTitle(`Tsunagu: ${name}`)
    .setVersion('1')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'RS256, `at+jwt`' })
    .build();
  for (const { controller, name: method } of httpHandlers(app)) {
    const parameters = Reflect.getMetadata('design:paramtypes', controller.prototype, method) as unknown[] | undefined;
    for (const parameter of parameters ?? []) describeDto(parameter);
  }
  const document = SwaggerModule.createDocument(app, description, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}.${method}`,
  });
  for (const [path, item] of Object.entries(document.paths)) {
    if (path.includes('/internal/')) {
      delete document.paths[path];
      continue;
    }
    for (const operation of [item.get, item.put, item.post, item.delete, item.patch]) {
      if (operation) operation.responses.default = problemResponse;
    }
  }
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: PROBLEM as never },
  };
  return document;
}

const problemResponse = {
  description: 'A refusal or an outage',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

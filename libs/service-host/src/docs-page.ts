import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';

const directory = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const assets = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui-standalone-preset.js': 'text/javascript; charset=utf-8',
} as const;

/** `/docs`: a service's OpenAPI document as a page, and the files that a page over all services needs too. */
export function serveDocs(fastify: FastifyInstance, name: string): void {
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tsunagu: ${name}</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"></head><body><div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({ url: '/${name}/openapi.json', dom_id: '#ui', validatorUrl: null });</script></body></html>`;
  fastify.get('/docs', (_request, reply) => reply.type('text/html; charset=utf-8').send(page));
  for (const [file, type] of Object.entries(assets)) {
    fastify.get(`/docs/${file}`, async (_request, reply) => {
      reply.type(type).header('cache-control', 'public, max-age=86400');
      return readFile(join(directory, file));
    });
  }
}

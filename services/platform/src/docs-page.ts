import { createReadStream, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import type { Handler } from './front.js';
import { sendProblem } from './problem-answer.js';

const assets = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
};

/** `/docs`: the OpenAPI documents of all services in one page, with a list to choose from. */
export function docsPage(services: readonly string[]): Handler {
  const urls = services.map((name) => ({ name, url: `/${name}/openapi.json` }));
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tsunagu API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"></head><body><div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/swagger-ui-standalone-preset.js"></script><script>
SwaggerUIBundle({ urls: ${JSON.stringify(urls)}, dom_id: '#ui', layout: 'StandaloneLayout', validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset] });
</script></body></html>`;
  return (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    if (path === '/docs' || path === '/docs/') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      return response.end(page);
    }
    const name = /^\/docs\/([\w-]+\.(?:css|js|png))$/.exec(path)?.[1];
    const file = name && join(assets, name);
    if (!file || !existsSync(file)) return sendProblem(request, response, 'request.not_found');
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' });
    return createReadStream(file).pipe(response);
  };
}

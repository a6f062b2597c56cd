import type { Handler } from './front.js';

/** `/docs`: the OpenAPI documents of all services in one page, with a list to choose from. The files it needs come from a service. */
export function docsPage(services: readonly string[], files: Handler): Handler {
  const urls = services.map((name) => ({ name, url: `/${name}/openapi.json` }));
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tsunagu API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"></head><body><div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/swagger-ui-standalone-preset.js"></script><script>
SwaggerUIBundle({ urls: ${JSON.stringify(urls)}, dom_id: '#ui', layout: 'StandaloneLayout', validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset] });
</script></body></html>`;
  return (request, response) => {
    if (!/^\/docs\/?(\?|$)/.test(request.url ?? '')) return files(request, response);
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(page);
  };
}

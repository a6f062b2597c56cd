import { readFile } from 'node:fs/promises';
import { Controller, Get, Header, Inject, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { errorCodes, reasonCodes } from '@tsunagu/contracts';
import { PARTS, Problem, Public, type ServiceParts } from '@tsunagu/service-host';

const directory = new URL('../../kiosk/', import.meta.url);
const javascript = 'text/javascript; charset=utf-8';
const files: Readonly<Record<string, { readonly type: string; readonly testOnly?: boolean }>> = {
  'index.html': { type: 'text/html; charset=utf-8' },
  'kiosk.css': { type: 'text/css; charset=utf-8' },
  'kiosk.js': { type: javascript },
  'link.js': { type: javascript },
  'screen.js': { type: javascript },
  'session.js': { type: javascript },
  'texts.js': { type: javascript },
  'simulated-reader.js': { type: javascript, testOnly: true },
};
/** What a refusal says in both languages; the page shows the two together. */
const texts = {
  problems: Object.fromEntries(Object.entries(errorCodes).map(([code, { title, next }]) => [code, { title, next }])),
  linkReasons: Object.fromEntries(
    Object.entries(reasonCodes.link).map(([code, { meaning, next }]) => [code, { title: meaning, next }]),
  ),
};
/** Its own files and this platform, and nothing else; in nobody's frame. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

interface Reply {
  header(name: string, value: string): unknown;
}

/** The page of kiosks. It holds nothing that a caller must not see: what it does, it does with the terminal's token. */
@ApiExcludeController()
@Controller('kiosk')
@Public()
export class KioskController {
  constructor(@Inject(PARTS) private readonly parts: Pick<ServiceParts, 'profile'>) {}

  @Get()
  @Header('content-security-policy', policy)
  page(@Res({ passthrough: true }) reply: Reply): Promise<Buffer> {
    return this.file('index.html', reply);
  }

  @Get('texts.json')
  texts(): typeof texts {
    return texts;
  }

  @Get(':name')
  async file(@Param('name') name: string, @Res({ passthrough: true }) reply: Reply): Promise<Buffer> {
    const known = Object.hasOwn(files, name) ? files[name] : undefined;
    if (!known || (known.testOnly && this.parts.profile !== 'test')) throw new Problem({ code: 'request.not_found' });
    reply.header('content-type', known.type);
    reply.header('x-content-type-options', 'nosniff');
    return readFile(new URL(name, directory));
  }
}

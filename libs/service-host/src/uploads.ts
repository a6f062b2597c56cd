import { createHash } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from './problem.js';

/** A route that takes a file instead of JSON, with limits of its own. */
export interface UploadRoute {
  readonly method: 'PUT' | 'POST';
  /** Of the whole path, without the query. */
  readonly path: RegExp;
  readonly mediaTypes: readonly string[];
  readonly bytesMax: number;
}

/** A file on its way in. Nothing of it is read before the handler asks: who may not send one fills no disk. */
export class Upload {
  constructor(
    readonly mediaType: string,
    readonly bytesMax: number,
    readonly body: Readable,
  ) {}
}

/** A file that has come in whole. It has no name, so that nothing of it is left when the process dies. */
export interface SpooledFile {
  readonly handle: FileHandle;
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly hash: string;
  close(): Promise<void>;
}

/** The file of a request to one of the service's upload routes. */
export const UploadedFile = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const { body } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!(body instanceof Upload)) throw new Problem({ code: 'request.unsupported_media_type' });
  return body;
});

/** Lets the routes named, and no other, take their media types as a stream. */
export function takeUploads(fastify: FastifyInstance, routes: readonly UploadRoute[]): void {
  const mediaTypes = new Set(routes.flatMap((route) => route.mediaTypes));
  for (const mediaType of mediaTypes) {
    fastify.addContentTypeParser(mediaType, (request, body, done) => {
      const path = request.url.split('?', 1)[0] ?? '/';
      const route = routes.find((each) => each.method === request.method && each.path.test(path));
      if (!route?.mediaTypes.includes(mediaType)) {
        return done(new Problem({ code: 'request.unsupported_media_type' }), undefined);
      }
      const { bytesMax } = route;
      if (Number(request.headers['content-length']) > bytesMax) return done(tooLarge(bytesMax), undefined);
      done(null, new Upload(mediaType, bytesMax, body));
    });
  }
}

/** Writes an upload to a file without a name. Throws the Problem `request.too_large`, or `request.invalid` where the sender went away. */
export async function spool({ body, bytesMax }: Upload): Promise<SpooledFile> {
  const directory = await mkdtemp(join(tmpdir(), 'tsunagu-upload-'));
  const path = join(directory, 'file');
  const handle = await open(path, 'wx+', 0o600).finally(() => rm(directory, { recursive: true, force: true }));
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    // What is not read any more is thrown away by the server, so that a sender who is refused hears why.
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw tooLarge(bytesMax);
      hash.update(chunk);
      await handle.appendFile(chunk);
    }
    return { handle, bytes, hash: hash.digest('hex'), close: () => handle.close() };
  } catch (error) {
    await handle.close();
    if (!(error instanceof Problem) && body.errored)
      throw new Problem({ code: 'request.invalid', detail: 'The file did not arrive whole.' });
    throw error;
  }
}

function tooLarge(bytesMax: number): Problem {
  return new Problem({ code: 'request.too_large', detail: `A file may have ${bytesMax} bytes.` });
}

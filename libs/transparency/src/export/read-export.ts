import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import { ExportDamaged, type ExportLine, parseLine } from './format.js';

/** A line is refused beyond this: an event's data holds a million characters at most, each of up to six in a leaf. */
const LINE_CHARACTERS_MAX = 16_000_000;

/** The lines of an export, in order, in bounded memory. Rejects with ExportDamaged where it is cut or no export. */
export async function* readExport(file: string): AsyncGenerator<ExportLine> {
  let last: ExportLine['kind'] | undefined;
  for await (const text of linesOf(file)) {
    const line = parseLine(text);
    if ((line.kind === 'header') !== (last === undefined))
      throw new ExportDamaged(`${file} does not begin as an export does`);
    if (last === 'end') throw new ExportDamaged(`${file} goes on after its end`);
    last = line.kind;
    yield line;
  }
  if (last !== 'end') throw new ExportDamaged(`${file} has no end: it was cut`);
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const unzipped = createGunzip();
  // Its failure is the iteration's below.
  const piped = pipeline(createReadStream(file), unzipped).catch(() => {});
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for await (const chunk of unzipped) {
      const lines = (rest + decoder.write(chunk as Buffer)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LINE_CHARACTERS_MAX) throw new ExportDamaged(`${file} has a line too long for an export`);
      yield* lines;
    }
  } catch (error) {
    if (error instanceof ExportDamaged || (error as { code?: string }).code === 'ENOENT') throw error;
    throw new ExportDamaged(`${file} cannot be unpacked: ${(error as Error).message}`);
  } finally {
    unzipped.destroy();
    await piped;
  }
  if (rest !== '') throw new ExportDamaged(`${file} ends in the middle of a line`);
}

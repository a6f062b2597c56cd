import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkTypes } from './check-types.mjs';

const floating = [
  'log.append();',
  'log.maybe?.();',
  'on && log.append();',
  'on ? log.append() : undefined;',
  'log.append().then(() => on);',
  'log.append().finally(() => on);',
  '(log.append());',
  '[1].forEach(() => { log.append(); });',
];
const handled = [
  'await log.append();',
  'void log.append();',
  'return log.append();',
  'const kept = log.append(); await kept;',
  'let kept; kept = log.append(); await kept;',
  'log.append().catch(() => on);',
  'log.append().then(() => on, () => on);',
  'log.append().catch(() => on).finally(() => on);',
];
const wrong = 'const a: string = 1; await a;';

describe('the type check', () => {
  let folder: string;
  let findings: readonly string[];
  /** One program over all cases, each in a file of its own: starting the compiler is what takes the time. */
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsunagu-types-'));
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
    const compilerOptions = { target: 'es2023', module: 'nodenext', strict: true, noEmit: true, types: [] };
    write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    write('store.d.ts', 'export declare const log: { append(): Promise<void>; maybe?: () => Promise<void> };');
    for (const [name, bodies] of Object.entries({ floating, handled, wrong: [wrong] })) {
      for (const [index, body] of bodies.entries()) {
        const text = `import { log } from './store.js';\nexport async function f(on: boolean) {\n${body}\nreturn log.append();\n}\n`;
        write(`${name}-${index}.ts`, text);
      }
    }
    findings = checkTypes(join(folder, 'tsconfig.json'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const about = (file: string) => findings.filter((finding) => finding.startsWith(`${file}.ts:`));

  test.each(floating.map((body, index) => [body, index] as const))('finds that nobody waits: %s', (_, index) => {
    expect(about(`floating-${index}`)).toEqual([expect.stringMatching(/:3:\d+ a promise that nobody waits for/)]);
  });

  test.each(handled.map((body, index) => [body, index] as const))('is content with: %s', (_, index) => {
    expect(about(`handled-${index}`)).toEqual([]);
  });

  test('says what the compiler says, and where', () => {
    expect(about('wrong-0')).toEqual([expect.stringMatching(/:3:7 .*\(TS2322\)$/)]);
  });
});

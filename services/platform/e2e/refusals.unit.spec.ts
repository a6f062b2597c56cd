import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errorCodes } from '@tsunagu/contracts';

/** Needs a thousand exchanges of the largest size in one period; the limit itself is shown by the transfer file's own spec. */
const outOfReach: readonly string[] = ['settlement.amount_too_large'];

it('every code of the catalogue is expected by a spec that provokes it', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const specs = globSync('{services,libs}/*/{src,e2e}/**/*.{int,e2e}.spec.ts', { cwd: root });
  expect(specs.length).toBeGreaterThan(20);
  const text = specs.map((spec) => readFileSync(root + spec, 'utf8')).join('\n');
  const named = (code: string) => new RegExp(`[ '"\`]${code.replaceAll('.', '\\.')}['"\`]`).test(text);
  expect(Object.keys(errorCodes).filter((code) => !named(code))).toEqual(outOfReach);
});

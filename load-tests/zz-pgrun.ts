import { chmodSync, mkdtempSync, rmSync } from 'node:fs'; import { tmpdir } from 'node:os'; import { join } from 'node:path';
import { startPostgres } from '@tsunagu/testing';
const d = mkdtempSync(join(tmpdir(), 'zz-')); chmodSync(d, 0o755); const s = await startPostgres({ dataDirectory: d, port: 0 });
process.on('exit', () => rmSync(d, { recursive: true, force: true }));
try { const m = await import(process.argv[2]!); const f = m[process.argv[3]!]; for (const r of await f(s.url)) console.log(r.name, Math.round(r.measured.median), `(${Math.round(r.measured.least)}–${Math.round(r.measured.most)})`, 'limit', Math.round(r.limit.median), 'ratio', r.ratio.toFixed(2)); } finally { await s.stop(); }

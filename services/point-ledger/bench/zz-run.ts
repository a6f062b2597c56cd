import { chmodSync, mkdtempSync } from 'node:fs';
import { startPostgres } from '../../../libs/testing/src/embedded-postgres.js';

const d = mkdtempSync('/tmp/gpg-');
chmodSync(d, 0o755);
const pg = await startPostgres({ dataDirectory: d, settings: { max_connections: '100' } });
console.log(pg.url);
process.argv[2] = pg.url;
try {
  await import(process.argv[3] === 'prof' ? './zz-prof.js' : './main.js');
} finally {
  await pg.stop();
}

/** A process of its own that appends to a log, for the spec of several processes: `<url> <name> <rounds>`. */
import { realClock } from '@tsunagu/kernel';
import { Pool } from 'pg';
import { write, writeAll } from '../suite/place.js';
import { PostgresEventLog } from './postgres-log.js';

const [url, name = '', rounds] = process.argv.slice(2);
const pool = new Pool({ connectionString: url });
const log = await PostgresEventLog.open({ pool, clock: realClock });
const counts = { appended: 0, duplicate: 0, conflict: 0, events: 0 };

for (let round = 0; round < Number(rounds); round += 1) {
  const own = Array.from({ length: 20 }, (_, n) => write(`${name}-${round}+${n}`, 'noStream', (n % 3) + 1));
  const both = writeAll(write(`left-${name}`, round - 1), write(`right-${name}`, round - 1));
  // Whoever comes first has it.
  const contested = write(`contested-${round}`, 'noStream');
  const outcomes = await Promise.all([...own, both, contested].map((request) => log.append([request])));
  for (const outcome of outcomes.flat()) {
    counts[outcome.outcome] += 1;
    if (outcome.outcome === 'appended') counts.events += outcome.positions.length;
  }
}
await log.close();
await pool.end();
process.stdout.write(JSON.stringify(counts));

import { derivedId, isoTime, newId, realClock } from '@tsunagu/kernel';
import { openBenchPlace } from '../../../libs/event-store/bench/subjects.js';
import { Grants } from '../src/workflows/grants.js';
import { Leases } from '../src/workflows/leases.js';
import { WorkerSlot } from '../src/workflows/worker-slot.js';
import * as g from './grants.js';

const place = await openBenchPlace(process.argv[2]!);
const slot = new WorkerSlot(place.pool);
const fundId = newId(Date.now());
await (g as any).commitFund(place, fundId);
const t: Record<string, number> = { read: 0, append: 0, total: 0 };
const wrap =
  (name: string) =>
  async (...a: any[]) => {
    const s = performance.now();
    const r = await (place.log as any)[name](...a);
    t[name] = (t[name] ?? 0) + performance.now() - s;
    return r;
  };
const log = { append: wrap('append'), readStreams: wrap('readStreams'), log: 0 } as any;
const grants = new Grants(log, realClock, new Leases(log, realClock, slot));
const cpu0 = process.cpuUsage();
for (let round = 0; round < 40; round++) {
  const batch = Array.from({ length: 1000 }, () => (g as any).someClaim(fundId));
  if (round === 10) for (const k of Object.keys(t)) t[k] = 0;
  const s = performance.now();
  await grants.decide(batch);
  t.total += performance.now() - s;
}
console.log(t, process.cpuUsage(cpu0));
slot.onModuleDestroy();
await place.close();

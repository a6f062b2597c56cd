import { openBenchPlace, grants, emptied } from './subjects.js';
const place = await openBenchPlace(process.argv[2] ?? '');
await emptied(place);
for (let n = 0; n < 30; n += 1) await place.log.append(grants(1000));
const time = async (label: string, work: () => Promise<unknown>) => { for (let i=0;i<4;i++){ const s = performance.now(); const c=process.cpuUsage(); await work(); const u=process.cpuUsage(c); console.log(label, (performance.now()-s).toFixed(1), 'cpu', (u.user+u.system)/1000);} };
await time('ours', () => place.log.readLog({ after: 10000, limit: 5000 }));
await time('raw', () => place.pool.query({name:'x', text:'select * from events where position > $1 order by position limit $2', values:[10000,5000]}));
const q = `with bound as materialized (select request_end($1::bigint + $2::bigint) as through)
select e.position, e.stream, e.revision, e.event_id, e.request_id, e.type, e.schema_version,
       e.effective_at at time zone 'UTC', e.recorded_at at time zone 'UTC', e.correlation_id, e.causation_id, e.actor,
       e.owner_id, e.reads, e.data, b.through
  from bound b
  left join lateral (
    select * from events
     where position > $1 and position <= b.through and ($3::text[] is null or type = any ($3))
     order by position limit $4) e on true
 order by e.position`;
for (const mode of ['force_custom_plan','force_generic_plan']) {
const c = await place.pool.connect();
await c.query(`set plan_cache_mode=${mode}`);
await c.query(`prepare p(bigint,bigint,text[],bigint) as ${q}`);
for (const r of (await c.query(`explain (analyze, buffers) execute p(10000, 5000, null, null)`)).rows) console.log(r['QUERY PLAN']);
c.release(true);
}
await place.close();

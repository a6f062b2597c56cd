import { publishedEvents } from '@tsunagu/contracts';
import { feedStatus } from '@tsunagu/event-feed';
import { realClock } from '@tsunagu/kernel';
import { TreeStore } from '@tsunagu/transparency';
import type { Command } from '../command.js';
import { withData } from '../reach.js';
import { logsOf } from '../transparency/exports.js';
import { type Store, withStores } from '../verification/stores.js';

export const status: Command = {
  help: `Usage: npx tsunagu status

Logs with their last position, the lag of every projection, consumer and relay and of the Merkle trees in positions, and dead letters.`,
  options: {},
  async run({ settings }) {
    return withData(settings, async ({ databases, running }) => {
      console.log(
        running ? `running: ${running.topology}, ${running.url}` : 'not running; this is the data as it was left',
      );
      return withStores(databases, realClock, async (stores) => {
        const heads = new Map<string, readonly number[]>();
        for (const [name, { logs }] of stores) heads.set(name, await Promise.all(logs.map((log) => log.head())));
        for (const [name, store] of stores) {
          const { pool, definition } = store;
          console.log(`\n${name}`);
          const { rows } = await pool.query<{ name: string; log: number; position: string }>(
            'SELECT name, log, position FROM projection_checkpoints',
          );
          for (const [log, head] of (heads.get(name) ?? []).entries()) {
            console.log(`  log          ${inLog('head', log)} ${head}`);
            console.log(await treeLine(store, log, head));
            for (const { name: projection } of definition.projections) {
              const position = Number(rows.find((row) => row.name === projection && row.log === log)?.position ?? 0);
              console.log(line('projection', inLog(projection, log), position, head));
            }
          }
          const feeds = await feedStatus(pool);
          for (const positions of byTopicAndLog(feeds.positions)) console.log(consumerLine(positions, heads));
          for (const { topic, log, position } of feeds.relays)
            console.log(line('relay', inLog(topic, log), position, headOf(topic, log, heads)));
          console.log(`  dead letters ${feeds.deadLetterCount}, and ${feeds.waitingCount} waiting behind them`);
          for (const { eventType, eventId, errorClass, errorCode } of feeds.deadLetters) {
            console.log(`    ${eventType} ${eventId}: ${errorCode ?? errorClass ?? 'unknown error'}`);
          }
        }
        return 0;
      });
    });
  },
};

type Positions = Awaited<ReturnType<typeof feedStatus>>['positions'];

function byTopicAndLog(positions: Positions): Iterable<Positions> {
  return Map.groupBy(positions, ({ topic, log, partition }) => `${topic} ${log} ${partition < 0}`).values();
}

/** A partition's last position says nothing of the others': only the whole log has a head to compare with. */
function consumerLine(positions: Positions, heads: ReadonlyMap<string, readonly number[]>): string {
  const [{ topic, log, partition, position } = { topic: '', log: 0, partition: 0, position: 0 }] = positions;
  if (partition < 0) return line('consumer', inLog(topic, log), position, headOf(topic, log, heads));
  const all = positions.map((each) => each.position);
  const what = `${topic}, ${positions.length} partition${positions.length === 1 ? '' : 's'}`;
  return `  consumer     ${inLog(what, log)}: ${Math.min(...all)} to ${Math.max(...all)}`;
}

async function treeLine(store: Store, log: number, head: number): Promise<string> {
  const kept = logsOf(store).find((each) => each.log === log);
  if (!kept) return `  tree         log ${log}: none`;
  const stored = new TreeStore(kept.tree, log);
  const signed = await stored.lastHead();
  const upTo = signed ? `, signed up to ${signed.size} at ${signed.signedAt}` : '';
  return `${line('tree', `log ${log}`, await stored.size(), head)}${upTo}`;
}

function headOf(topic: string, log: number, heads: ReadonlyMap<string, readonly number[]>): number {
  return heads.get(publishedEvents.find((event) => event.topic === topic)?.producer ?? '')?.[log] ?? 0;
}

/** Log 0 goes unsaid: most services have no other. */
function inLog(what: string, log: number): string {
  return log === 0 ? what : `${what} in log ${log}`;
}

function line(kind: string, name: string, position: number, head: number): string {
  return `  ${kind.padEnd(12)} ${name}: ${position}, lag ${Math.max(0, head - position)}`;
}

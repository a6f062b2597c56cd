import { publishedEvents } from '@tsunagu/contracts';
import { feedStatus } from '@tsunagu/event-feed';
import { realClock } from '@tsunagu/kernel';
import { TreeStore } from '@tsunagu/transparency';
import type { Command } from '../command.js';
import { withData } from '../reach.js';
import { logsOf } from '../transparency/exports.js';
import { withStores } from '../verification/stores.js';

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
        const heads = new Map<string, number>();
        for (const [name, { log }] of stores) heads.set(name, await log.head());
        for (const [name, store] of stores) {
          const { pool, definition } = store;
          console.log(`\n${name}\n  log          head ${heads.get(name)}`);
          for (const { log, tree } of logsOf(store)) {
            const stored = new TreeStore(tree, log);
            const head = await stored.lastHead();
            const signed = head ? `, signed up to ${head.size} at ${head.signedAt}` : '';
            console.log(`${line('tree', `log ${log}`, await stored.size(), heads.get(name) ?? 0)}${signed}`);
          }
          const { rows } = await pool.query<{ name: string; position: string }>(
            'SELECT name, position FROM projection_checkpoints',
          );
          for (const { name: projection } of definition.projections) {
            const position = Number(rows.find((row) => row.name === projection)?.position ?? 0);
            console.log(line('projection', projection, position, heads.get(name) ?? 0));
          }
          const feeds = await feedStatus(pool);
          for (const { topic, partition, position } of feeds.positions) {
            const where = partition < 0 ? topic : `${topic} partition ${partition}`;
            // A partition's last position says nothing of the others': only the whole log has a head to compare with.
            console.log(
              partition < 0
                ? line('consumer', where, position, headOf(topic, heads))
                : `  consumer     ${where}: ${position}`,
            );
          }
          for (const { topic, position } of feeds.relays)
            console.log(line('relay', topic, position, headOf(topic, heads)));
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

function headOf(topic: string, heads: ReadonlyMap<string, number>): number {
  return heads.get(publishedEvents.find((event) => event.topic === topic)?.producer ?? '') ?? 0;
}

function line(kind: string, name: string, position: number, head: number): string {
  return `  ${kind.padEnd(12)} ${name}: ${position}, lag ${Math.max(0, head - position)}`;
}

import { verifyProjections } from '@tsunagu/event-store';
import { isoTime } from '@tsunagu/kernel';
import { type Command, durationMs } from '../command.js';
import { Progress } from '../progress.js';
import { withData } from '../reach.js';
import { readClock } from '../stored-clock.js';
import { describeFinding, FINDINGS_SHOWN_MAX, Findings } from '../verification/finding.js';
import type { KeptRecord } from '../verification/kept.js';
import { checkLists, type ListRow } from '../verification/lists.js';
import { readLogs } from '../verification/reading.js';
import { checkSettlements } from '../verification/settlements.js';
import { Spill } from '../verification/spill.js';
import { type Store, storeOf, withStores } from '../verification/stores.js';
import { checkSubjects, type Moment } from '../verification/subjects.js';

const GRACE_MS = 60_000;
/** Processes follow a moved clock within this time. */
const CLOCKS_APART_MS = 1_000;

export const verify: Command = {
  help: `Usage: npx tsunagu verify [--grace 60s]

Reads every log from its beginning and checks the invariants I1–I8 (docs/decisions and DESIGN name them). A claim that has
waited for the ledger longer than the grace counts as lost. Exit code 1 when one is broken, with the offending events.
Works on the running platform and on the data of a stopped one. Its memory hardly grows with the logs: it puts events aside
in the temporary directory (TMPDIR), which needs about half the size of the logs.`,
  options: { grace: { type: 'string' } },
  async run({ values, settings }) {
    const graceMs = durationMs(values, 'grace') ?? GRACE_MS;
    return withData(settings, async ({ directory, databases }) => {
      const { offsetMs } = await readClock(databases);
      const clock = { now: () => Date.now() + offsetMs };
      return withStores(databases, clock, async (stores) => {
        const nowMs = clock.now();
        const moment = { nowMs, graceMs, begun: isoTime(nowMs - CLOCKS_APART_MS) };
        return report(await check(stores, directory.keys, moment));
      });
    });
  },
};

interface Verified {
  readonly lines: readonly string[];
  readonly findings: Findings;
}

async function check(stores: ReadonlyMap<string, Store>, keyDirectory: string, moment: Moment): Promise<Verified> {
  const findings = new Findings();
  const { lines, closed } = await checkLogs(stores, moment, findings);
  const count = await checkProjections(stores, findings);
  lines.push(`I7    ${count} projections folded afresh: the same digests`);
  for (const finding of await checkSettlements(storeOf(stores, 'exchange-settlement'), keyDirectory, closed))
    findings.add(finding);
  lines.push(`I8    ${closed.length} settlements exported again: byte for byte the same`);
  return { lines, findings };
}

/** I1–I6: one reading of the logs, then one bucket of subjects after the other. */
async function checkLogs(stores: ReadonlyMap<string, Store>, moment: Moment, findings: Findings) {
  const found = findings.add.bind(findings);
  const [events, rows] = [Spill.open<KeptRecord>(), Spill.open<ListRow>()];
  try {
    const lists = checkLists(found);
    const read = await readLogs(stores, events, lists, found);
    await lists.load(storeOf(stores, 'point-ledger'), rows);
    const { bucket, counts, decided } = checkSubjects(read.grounds, lists, moment, found);
    const progress = new Progress('checking accounts, claims and exchanges');
    const total = events.count();
    let done = 0;
    for (let number = 0; number < events.bucketCount; number += 1) {
      bucket(events.records(number), rows.records(number));
      done += events.count(number);
      progress.at(done, total);
    }
    lists.end();
    const { accounts, claims, claimsInProgress, exchanges, exchangesInProgress } = counts;
    const lines = [
      ...read.lines,
      `I1    ${decided.answers} decisions on ${accounts} accounts: at most one grant for each measure and person`,
      `I2    ${claims} claims (${claimsInProgress} in progress), ${exchanges} exchanges (${exchangesInProgress} with points held), ${lists.counts.lists} lists of ${lists.counts.rows} rows: none lost`,
      `I3–I5 ${read.funds} funds: conserved at the end of every request, never over their cap, nothing below zero`,
      `I6    ${decided.claims} claims and ${decided.answers} grants and refusals decided again: the same`,
    ];
    return { lines, closed: read.closed };
  } finally {
    events.close();
    rows.close();
  }
}

/** I7. A projection that is behind is compared at its own checkpoint. Gives how many there are. */
async function checkProjections(stores: ReadonlyMap<string, Store>, findings: Findings): Promise<number> {
  let count = 0;
  for (const { definition, pool, logs } of stores.values()) {
    const { name: service, schema, projections } = definition;
    const progress = new Progress(`folding the read models of ${service}`);
    const onBatch = progress.at.bind(progress);
    for (const result of await verifyProjections({ ownerPool: pool, schema, logs, projections, onBatch })) {
      count += 1;
      if (result.equal) continue;
      const detail = `projection ${result.name} is ${result.live.slice(0, 12)}…, a fresh fold gives ${result.fresh.slice(0, 12)}…`;
      findings.add({ invariant: 'I7', service, position: result.positions.get(0) ?? 0, eventId: null, detail });
    }
  }
  return count;
}

function report({ lines, findings }: Verified): number {
  if (findings.count === 0) {
    for (const line of lines) console.log(line);
    console.log('\nEvery invariant holds.');
    return 0;
  }
  for (const finding of findings.shown) console.error(describeFinding(finding));
  if (findings.count > FINDINGS_SHOWN_MAX) console.error(`… and ${findings.count - FINDINGS_SHOWN_MAX} more`);
  const broken = [...findings.invariants].sort();
  console.error(`\n${findings.count} findings: ${broken.join(', ')} do not hold.`);
  return 1;
}

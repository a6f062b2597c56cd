import { verifyProjection } from '@tsunagu/event-store';
import { isoTime } from '@tsunagu/kernel';
import { checkLedger } from '@tsunagu/point-ledger';
import { type Command, durationMs } from '../command.js';
import { Progress } from '../progress.js';
import { withData } from '../reach.js';
import { readClock } from '../stored-clock.js';
import { checkDecisions } from '../verification/decisions.js';
import { Exchanges } from '../verification/exchanges.js';
import { describeFinding, type Finding } from '../verification/finding.js';
import { leaseRests } from '../verification/lease-rests.js';
import { People } from '../verification/people.js';
import { RecentAccounts } from '../verification/recent-accounts.js';
import { checkOrder, type Read, scan } from '../verification/scan.js';
import { checkSettlements } from '../verification/settlements.js';
import { type Store, storeOf, withStores } from '../verification/stores.js';

const GRACE_MS = 60_000;
const SHOWN_MAX = 50;
/** Processes follow a moved clock within this time. */
const CLOCKS_APART_MS = 1_000;

export const verify: Command = {
  help: `Usage: npx tsunagu verify [--grace 60s]

Reads every log from its beginning and checks the invariants I1–I8 (docs/decisions and DESIGN name them). A claim that has
waited for the ledger longer than the grace counts as lost. Exit code 1 when one is broken, with the offending events.
Works on the running platform and on the data of a stopped one.`,
  options: { grace: { type: 'string' } },
  async run({ values, settings }) {
    const graceMs = durationMs(values, 'grace') ?? GRACE_MS;
    return withData(settings, async ({ directory, databases }) => {
      const { offsetMs } = await readClock(databases);
      const clock = { now: () => Date.now() + offsetMs };
      return withStores(databases, clock, async (stores) =>
        report(await check(stores, directory.keys, clock.now(), graceMs)),
      );
    });
  },
};

interface Verified {
  readonly lines: readonly string[];
  readonly findings: readonly Finding[];
}

async function check(
  stores: ReadonlyMap<string, Store>,
  keyDirectory: string,
  nowMs: number,
  graceMs: number,
): Promise<Verified> {
  const begun = isoTime(nowMs - CLOCKS_APART_MS);
  const lines: string[] = [];
  const findings: Finding[] = [];
  const logs = { campaign: storeOf(stores, 'campaign').log, ledger: storeOf(stores, 'point-ledger').log };
  const heads = { campaign: await logs.campaign.head(), ledger: await logs.ledger.head() };
  const people = new People(heads.campaign + heads.ledger);
  const exchanges = new Exchanges(heads.ledger);
  const recent = new RecentAccounts(logs.ledger);
  const ledger = checkLedger(recent);
  const rests = leaseRests((event, restPoints) => people.takeLedger(event, restPoints));
  const closed: Read[] = [];
  const takers: Readonly<Record<string, (event: Read) => void>> = {
    campaign: (event) => people.takeCampaign(event),
    'exchange-settlement': (event) => {
      exchanges.takeExchange(event);
      if (event.type === 'SettlementClosed') closed.push(event);
    },
    'point-ledger': (event) => {
      ledger.take(event);
      rests.take(event);
      // What the ledger recorded since then may answer what the other logs recorded after they were read.
      if (event.recordedAt < begun) exchanges.takeLedger(event);
    },
  };
  try {
    // The ledger last: what the others say of it by then, it has recorded.
    for (const name of ['campaign', 'exchange-settlement', 'identity', 'service-link', 'point-ledger']) {
      const { log } = storeOf(stores, name);
      const order = checkOrder(name, await log.head());
      try {
        const take = takers[name];
        const head = await scan(
          log,
          new Progress(`reading ${name}`),
          (event) => {
            order.take(event);
            take?.(event);
          },
          async (events) => {
            await Promise.all([order.settle(), people.settle(), exchanges.settle()]);
            if (name === 'point-ledger') await recent.prepare(events);
          },
        );
        await order.finish();
        findings.push(...order.findings);
        lines.push(`log   ${name}: ${head} events, gap-free and in order`);
      } finally {
        order.close();
      }
    }
    rests.end();
    findings.push(...ledger.violations().map((violation) => ({ ...violation, service: 'point-ledger' })));
    const progress = new Progress('looking at persons, and deciding again');
    const again = checkDecisions(logs);
    const at = { nowMs, graceMs, begun };
    findings.push(...(await people.findings(at, again, (done, all) => progress.at(done, all))));
    findings.push(...(await exchanges.findings()));
  } finally {
    people.close();
    exchanges.close();
  }
  const { accepted, answers, claims, inProgress } = people.counts;
  lines.push(
    `I1    ${answers} decisions on ${ledger.counts.accounts} accounts: at most one grant for each measure and person`,
    `I2    ${claims} claims (${inProgress} in progress), ${exchanges.counts.exchanges} exchanges (${exchanges.counts.inProgress} with points held): none lost`,
    `I3–I5 ${ledger.counts.funds} funds: conserved at the end of every request, never over their cap, nothing below zero`,
    `I6    ${accepted} claims and ${answers} grants and refusals decided again: the same`,
  );
  const projections = await checkProjections(stores);
  findings.push(...projections.findings);
  lines.push(`I7    ${projections.count} projections folded afresh: the same digests`);
  findings.push(...(await checkSettlements(storeOf(stores, 'exchange-settlement'), keyDirectory, closed)));
  lines.push(`I8    ${closed.length} settlements exported again: byte for byte the same`);
  return { lines, findings };
}

/** I7. A projection that is behind is compared at its own checkpoint. */
async function checkProjections(stores: ReadonlyMap<string, Store>): Promise<{ count: number; findings: Finding[] }> {
  const findings: Finding[] = [];
  const progress = new Progress('folding projections');
  const all = [...stores.values()].flatMap((store) =>
    store.definition.projections.map((projection) => ({ store, projection })),
  );
  for (const [index, { store, projection }] of all.entries()) {
    const { definition, pool, log } = store;
    const result = await verifyProjection({ ownerPool: pool, schema: definition.schema, log, projection });
    if (!result.equal) {
      const detail = `projection ${projection.name} is ${result.live.slice(0, 12)}…, a fresh fold gives ${result.fresh.slice(0, 12)}…`;
      findings.push({ invariant: 'I7', service: definition.name, position: result.position, eventId: null, detail });
    }
    progress.at(index + 1, all.length);
  }
  return { count: all.length, findings };
}

function report({ lines, findings }: Verified): number {
  if (findings.length === 0) {
    for (const line of lines) console.log(line);
    console.log('\nEvery invariant holds.');
    return 0;
  }
  for (const finding of findings.slice(0, SHOWN_MAX)) console.error(describeFinding(finding));
  if (findings.length > SHOWN_MAX) console.error(`… and ${findings.length - SHOWN_MAX} more`);
  const broken = [...new Set(findings.map(({ invariant }) => invariant))].sort();
  console.error(`\n${findings.length} findings: ${broken.join(', ')} do not hold.`);
  return 1;
}

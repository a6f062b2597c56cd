import type { DataOf } from '@tsunagu/contracts';
import { type EventLog, readTogether, verifyProjection } from '@tsunagu/event-store';
import { isoTime } from '@tsunagu/kernel';
import { checkLedger, leaseOrder } from '@tsunagu/point-ledger';
import { type Command, durationMs } from '../command.js';
import { Progress } from '../progress.js';
import { withData } from '../reach.js';
import { readClock } from '../stored-clock.js';
import { checkClaims } from '../verification/claims.js';
import { checkDecisions } from '../verification/decisions.js';
import { checkExchanges } from '../verification/exchanges.js';
import { describeFinding, type Finding, placeName } from '../verification/finding.js';
import { checkLists } from '../verification/lists.js';
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
  const claims = checkClaims();
  const exchanges = checkExchanges();
  const ledger = checkLedger();
  const lists = checkLists();
  const accepted: Read[] = [];
  const answers: Read[] = [];
  const closed: Read[] = [];
  const orders = new Map<string, DataOf<'ClaimAccepted'>>();
  const takers: Readonly<Record<string, (event: Read) => void>> = {
    campaign: (event) => {
      claims.takeCampaign(event);
      if (event.type === 'ClaimAccepted') accepted.push(event);
      if (event.type === 'ClaimAccepted' || event.type === 'ClaimReopened')
        orders.set(event.id, event.data as DataOf<'ClaimAccepted'>);
    },
    'exchange-settlement': (event) => {
      exchanges.takeExchange(event);
      if (event.type === 'SettlementClosed') closed.push(event);
    },
    'point-ledger': (event) => {
      ledger.take(event);
      claims.takeLedger(event);
      lists.takeLedger(event);
      // What the ledger recorded since then may answer what the other logs recorded after they were read.
      if (event.recordedAt >= begun) return;
      exchanges.takeLedger(event);
      if (event.type === 'PointsGranted' || event.type === 'GrantRefused') answers.push(event);
    },
  };
  // The ledger last: what the others say of it by then, it has recorded.
  for (const name of ['campaign', 'exchange-settlement', 'identity', 'service-link', 'point-ledger']) {
    const { logs } = storeOf(stores, name);
    const orders = logs.map(() => checkOrder(name));
    const take = takers[name];
    const heads = await readAll(logs, new Progress(`reading ${name}`), (event) => {
      orders[event.log]?.take(event);
      take?.(event);
    });
    findings.push(...orders.flatMap((order) => order.findings));
    for (const [log, head] of heads.entries()) {
      lines.push(`log   ${placeName(name, log)}: ${head} events, gap-free and in order`);
    }
  }
  const { counts } = ledger;
  findings.push(...ledger.violations().map((violation) => ({ ...violation, service: 'point-ledger' })));
  await lists.load(storeOf(stores, 'point-ledger'));
  const isOfList = (grant: Read) => lists.orderOf(grant) !== undefined;
  const promised = claims.findings({ nowMs, graceMs, begun, isOfList });
  const moved = exchanges.findings();
  findings.push(...promised.findings, ...moved.findings, ...lists.findings());
  lines.push(
    `I1    ${answers.length} decisions on ${counts.accounts} accounts: at most one grant for each measure and person`,
    `I2    ${promised.claims} claims (${promised.inProgress} in progress), ${moved.exchanges} exchanges (${moved.inProgress} with points held), ${lists.counts.lists} lists of ${lists.counts.rows} rows: none lost`,
    `I3–I5 ${counts.funds} funds: conserved at the end of every request, never over their cap, nothing below zero`,
  );
  const logs = { campaign: storeOf(stores, 'campaign').log, ledger: storeOf(stores, 'point-ledger').log };
  findings.push(
    ...(await checkDecisions(
      logs,
      accepted,
      answers,
      (answer) => orders.get(answer.causationId ?? '') ?? lists.orderOf(answer),
      new Progress('deciding again'),
    )),
  );
  lines.push(`I6    ${accepted.length} claims and ${answers.length} grants and refusals decided again: the same`);
  const projections = await checkProjections(stores);
  findings.push(...projections.findings);
  lines.push(`I7    ${projections.count} projections folded afresh: the same digests`);
  findings.push(...(await checkSettlements(storeOf(stores, 'exchange-settlement'), keyDirectory, closed)));
  lines.push(`I8    ${closed.length} settlements exported again: byte for byte the same`);
  return { lines, findings };
}

/** Every event of a service's logs, in an order that the leases of the ledger allow. Gives the last positions. */
async function readAll(logs: readonly EventLog[], progress: Progress, take: (event: Read) => void) {
  const [only] = logs;
  if (only && logs.length === 1) return [await scan(only, progress, take)];
  const order = leaseOrder();
  return readTogether(logs, {
    mayCome: order.mayCome,
    take(event) {
      order.take(event);
      take(event as Read);
    },
    onPage: (read, of) => progress.at(read, of),
  });
}

/** I7. A projection that is behind is compared at its own checkpoint. */
async function checkProjections(stores: ReadonlyMap<string, Store>): Promise<{ count: number; findings: Finding[] }> {
  const findings: Finding[] = [];
  const progress = new Progress('folding projections');
  const all = [...stores.values()].flatMap((store) =>
    store.definition.projections.map((projection) => ({ store, projection })),
  );
  for (const [index, { store, projection }] of all.entries()) {
    const { definition, pool, logs } = store;
    const result = await verifyProjection({ ownerPool: pool, schema: definition.schema, logs, projection });
    if (!result.equal) {
      const detail = `projection ${projection.name} is ${result.live.slice(0, 12)}…, a fresh fold gives ${result.fresh.slice(0, 12)}…`;
      const position = result.positions.get(0) ?? 0;
      findings.push({ invariant: 'I7', service: definition.name, position, eventId: null, detail });
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

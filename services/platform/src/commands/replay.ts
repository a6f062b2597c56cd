import type { DataOf } from '@tsunagu/contracts';
import { derivedId, isId } from '@tsunagu/kernel';
import { postingsOf } from '@tsunagu/point-ledger';
import type { Pool } from 'pg';
import type { Command } from '../command.js';
import { withData } from '../reach.js';
import { UserError } from '../settings.js';
import { readClock } from '../stored-clock.js';
import { redecideClaim, redecideGrant } from '../verification/decisions.js';
import type { Read } from '../verification/scan.js';
import { storeOf, withStores } from '../verification/stores.js';

export const replay: Command = {
  help: `Usage: npx tsunagu replay CLAIM

Shows one claim from the logs: the answers it was accepted on (yes, no or unknown for each rule, and when the fact was read),
the rule version, each decision of the ledger with its postings, and whether deciding again from what was recorded gives the
same. Exit code 1 when it does not, or when there is no such claim.`,
  options: {},
  async run({ positionals, settings }) {
    const [claimId] = positionals;
    if (positionals.length !== 1 || !isId(claimId))
      throw new UserError('Name one claim: npx tsunagu replay CLAIM (its claimId, a UUID).');
    return withData(settings, async ({ databases }) => {
      const { offsetMs } = await readClock(databases);
      return withStores(databases, { now: () => Date.now() + offsetMs }, async (stores) => {
        const campaign = storeOf(stores, 'campaign');
        const stream = await entitlementOf(campaign.pool, claimId);
        if (stream === undefined) throw new UserError(`There is no claim ${claimId}.`);
        const events = ((await campaign.log.readStreams([stream])).get(stream) ?? []) as readonly Read[];
        const accepted = events.find(({ type }) => type === 'ClaimAccepted');
        if (!accepted) throw new UserError(`There is no claim ${claimId}.`);
        const order = accepted.data as DataOf<'ClaimAccepted'>;
        const campaignStream = `campaign-${order.campaignId}`;
        const campaignEvents = (await campaign.log.readStreams([campaignStream])).get(campaignStream) ?? [];

        console.log(`Claim ${claimId}, receipt ${order.receiptNumber}`);
        console.log(
          `  campaign ${order.campaignId}, measure ${order.measureId}, rule version ${order.ruleVersion}, ${order.amountPoints} points from fund ${order.fundId}`,
        );
        if (order.answers.length === 0) console.log('  no rule: everybody may claim');
        for (const { rule, answer, factReadAt } of order.answers) {
          console.log(`  ${rule}: ${answer}${factReadAt === null ? '' : `, from a fact read at ${factReadAt}`}`);
        }
        const { log: ledgerLog } = storeOf(stores, 'point-ledger');
        const account = `account-${order.personId}`;
        const ledgerEvents = ((await ledgerLog.readStreams([account])).get(account) ?? []) as readonly Read[];
        const touched = ledgerEvents.filter(
          ({ data }) => data.claimId === claimId || takesFrom(data, claimId, ledgerEvents),
        );

        let same = redecideClaim(accepted, campaignEvents as readonly Read[]).same;
        console.log(`\n${accepted.recordedAt}  campaign      ${accepted.type}   decided again: ${word(same)}`);
        const rest = [
          ...events.filter((event) => event !== accepted).map((event) => ({ service: 'campaign', event })),
          ...touched.map((event) => ({ service: 'point-ledger', event })),
        ].sort((a, b) => (a.event.recordedAt < b.event.recordedAt ? -1 : 1));
        for (const { service, event } of rest) {
          const reason = typeof event.data.reasonCode === 'string' ? ` (${event.data.reasonCode})` : '';
          let again = '';
          if (event.type === 'PointsGranted' || event.type === 'GrantRefused') {
            const cause = events.find(({ id }) => id === event.causationId);
            const redecided = await redecideGrant(
              ledgerLog,
              (cause ?? accepted).data as DataOf<'ClaimAccepted'>,
              event,
            );
            same &&= redecided.same;
            again = `   decided again: ${word(redecided.same)}`;
            if (!redecided.same)
              again += `\n    recorded ${JSON.stringify(redecided.recorded)}\n    decided  ${JSON.stringify(redecided.decided)}`;
          }
          console.log(`${event.recordedAt}  ${service.padEnd(12)}  ${event.type}${reason}${again}`);
          for (const { debitAccount, creditAccount, points } of service === 'point-ledger' ? postingsOf(event) : []) {
            console.log(`    ${String(points).padStart(10)}  ${debitAccount} → ${creditAccount}`);
          }
        }
        console.log(same ? '\nDeciding again from the log gives the same.' : '\nDeciding again gives another outcome.');
        return same ? 0 : 1;
      });
    });
  },
};

function word(same: boolean): string {
  return same ? 'the same' : 'DIFFERENT';
}

/** Whether an exchange's hold, capture or release took points of the lot that the claim was granted. */
function takesFrom(data: Read['data'], claimId: string, events: readonly Read[]): boolean {
  const lot = events.find((event) => event.type === 'PointsGranted' && event.data.claimId === claimId)?.data.lotId;
  const lots = Array.isArray(data.lots) ? (data.lots as { lotId: string }[]) : [];
  return lots.some(({ lotId }) => lotId === lot);
}

/** The stream of a claim, looked up in the log itself by the id that its first event must have: a read model could be behind. */
async function entitlementOf(pool: Pool, claimId: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ stream: string }>('SELECT stream FROM events WHERE event_id = $1', [
    derivedId('ClaimAccepted', claimId),
  ]);
  return rows[0]?.stream;
}

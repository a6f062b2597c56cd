import { type ClaimReplay, type ReplayStep, replayClaim } from '@tsunagu/campaign';
import { derivedId, isId } from '@tsunagu/kernel';
import { replayInLedger } from '@tsunagu/point-ledger';
import type { Pool } from 'pg';
import type { Command } from '../command.js';
import { withData } from '../reach.js';
import { UserError } from '../settings.js';
import { readClock } from '../stored-clock.js';
import { storeOf, withStores } from '../verification/stores.js';

export const replay: Command = {
  help: `Usage: npx tsunagu replay CLAIM

Shows one claim from the logs: the answers it was accepted on (yes, no or unknown for each rule, and when the fact was read),
the rule version, every event that touched it or its lot with its postings, and for each decision whether deciding again from
what was recorded gives the same. Exit code 1 when it does not, or when there is no such claim. Auditors see the same at
GET /campaign/v1/claims/{claimId}/replay.`,
  options: {},
  async run({ positionals, settings }) {
    const [claimId] = positionals;
    if (positionals.length !== 1 || !isId(claimId))
      throw new UserError('Name one claim: npx tsunagu replay CLAIM (its claimId, a UUID).');
    return withData(settings, async ({ databases }) => {
      const { offsetMs } = await readClock(databases);
      return withStores(databases, { now: () => Date.now() + offsetMs }, async (stores) => {
        const campaign = storeOf(stores, 'campaign');
        const ledger = storeOf(stores, 'point-ledger');
        const stream = await entitlementOf(campaign.pool, claimId);
        const replayed =
          stream === undefined
            ? undefined
            : await replayClaim(campaign.log, stream, (question) => replayInLedger(ledger, question));
        if (!replayed) throw new UserError(`There is no claim ${claimId}.`);
        for (const line of linesOf(replayed)) console.log(line);
        return replayed.same ? 0 : 1;
      });
    });
  },
};

function* linesOf({ entitlement, steps, same }: ClaimReplay): Generator<string> {
  const { order } = entitlement;
  yield `Claim ${order.claimId}, receipt ${order.receiptNumber}`;
  yield `  campaign ${order.campaignId}, measure ${order.measureId}, rule version ${order.ruleVersion}, ${order.amountPoints} points from fund ${order.fundId}`;
  if (order.answers.length === 0) yield '  no rule: everybody may claim';
  for (const { rule, answer, factReadAt } of order.answers) {
    yield `  ${rule}: ${answer}${factReadAt === null ? '' : `, from a fact read at ${factReadAt}`}`;
  }
  yield '';
  for (const step of steps) yield* linesOfStep(step);
  yield same ? '\nDeciding again from the log gives the same.' : '\nDeciding again gives another outcome.';
}

function* linesOfStep({ service, event, postings, again }: ReplayStep): Generator<string> {
  const { reasonCode } = event.data as { reasonCode?: unknown };
  const reason = typeof reasonCode === 'string' ? ` (${reasonCode})` : '';
  const word = again ? `   decided again: ${again.same ? 'the same' : 'DIFFERENT'}` : '';
  yield `${event.recordedAt}  ${service.padEnd(12)}  ${event.type}${reason}${word}`;
  if (again?.problem) yield `    ${again.problem}`;
  for (const { member, recorded, decided } of again?.differences ?? []) {
    yield `    ${member}: recorded ${JSON.stringify(recorded)}, decided ${JSON.stringify(decided)}`;
  }
  for (const { debitAccount, creditAccount, points } of postings) {
    yield `    ${String(points).padStart(10)}  ${debitAccount} → ${creditAccount}`;
  }
}

/** The stream of a claim, looked up in the log itself by the id that its first event must have: a read model could be behind. */
async function entitlementOf(pool: Pool, claimId: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ stream: string }>('SELECT stream FROM events WHERE event_id = $1', [
    derivedId('ClaimAccepted', claimId),
  ]);
  return rows[0]?.stream;
}

import { createHash } from 'node:crypto';
import { idFromScope } from '@tsunagu/kernel';
import fc from 'fast-check';
import { type Account, type AccountEvent, emptyAccount, evolveAccount, foldAccount } from './account.js';
import { foldVersion, fromSnapshot, toSnapshot } from './account-snapshot.js';
import { granted, now, personId, refused, request } from './builders.js';
import { withConsequences } from './consequences.js';
import { decideExpiry } from './expiry.js';
import { decideHold, decideHoldEnd } from './hold.js';
import { decideReversal, decideWriteOff } from './reversal.js';

const rules = { repayment: { sharePercent: 50, pointsMax: 300 }, releaseGraceHours: 0 };
const late = '2027-02-01T00:00:00.000Z';

/** A step by number: which kind of command, and which of what there is it is about. */
type Step = readonly [kind: number, which: number, points: number];
/** A grant twice as often as anything else. */
const kinds = fc.nat(9);
const steps = fc.array(fc.tuple(kinds, fc.nat(5), fc.integer({ min: 1, max: 900 })), { maxLength: 50 });

function decide(account: Account, [kind, which, points]: Step, n: number): AccountEvent | undefined {
  const lot = account.lots.at(which % Math.max(1, account.lots.length));
  const exchangeId = [...account.exchanges.keys()][which % Math.max(1, account.exchanges.size)];
  switch (kind) {
    case 0:
      return refused({ claimId: `claim ${which}`, attempt: n + 1 });
    case 1: {
      const asked = request({ exchangeId: `exchange ${n}`, points });
      const decision = decideHold(account, asked, { holdId: idFromScope(`hold ${n}`) }, { now, askOwnerAt: now });
      return decision.outcome === 'decided' ? decision.event : undefined;
    }
    case 2:
    case 3: {
      const outcome = kind === 2 ? 'confirmed' : 'released';
      if (exchangeId === undefined) return undefined;
      const part = kind === 2 ? { points: Math.max(1, points % 200) } : {};
      const end = { exchangeId, personId, outcome, reasonCode: 'x', ...part } as const;
      const decision = decideHoldEnd(account, end, now);
      return decision.outcome === 'decided' ? decision.event : undefined;
    }
    case 4: {
      if (!lot) return undefined;
      const order = {
        personId,
        lotId: lot.lotId,
        reversalId: idFromScope(`reversal ${n}`),
        reasonPattern: 'fraud',
      } as const;
      const decision = decideReversal(account, order, now);
      return decision.outcome === 'decided' ? decision.event : undefined;
    }
    case 5:
      return lot && decideExpiry(personId, lot, late);
    case 6: {
      const receivableId = [...account.receivables.keys()][which % Math.max(1, account.receivables.size)];
      const order = { personId, receivableId: receivableId ?? '', reasonPattern: 'settled' } as const;
      return receivableId === undefined ? undefined : decideWriteOff(account, order);
    }
    case 7: {
      const ids = { lotId: lot?.lotId, fundId: lot?.fundId, ownerId: lot?.ownerId, personId };
      const data = { ...ids, previousExpiresAt: lot?.expiresAt, expiresAt: late, extensionId: `extension ${n}` };
      return lot?.expiresAt ? ({ type: 'LotExtended', data } as AccountEvent) : undefined;
    }
    default: {
      const expiresAt = which < 2 ? null : '2027-01-01T00:00:00.000Z';
      const ids = { claimId: `claim ${n}`, measureId: `measure ${n}`, lotId: idFromScope(`lot ${n}`) };
      return granted({ ...ids, amountPoints: points, expiresAt });
    }
  }
}

/** Events of any history; each is as the log gives it back. */
function historyOf(steps: readonly Step[]): AccountEvent[] {
  const events: AccountEvent[] = [];
  let account = emptyAccount;
  steps.forEach((step, n) => {
    const event = decide(account, step, n);
    if (!event) return;
    const all = withConsequences(account, event, rules, now);
    account = all.account;
    events.push(...(JSON.parse(JSON.stringify(all.events)) as AccountEvent[]));
  });
  return events;
}

const stored = (account: Account): Account => fromSnapshot(JSON.parse(JSON.stringify(toSnapshot(account))));

it('any account comes back from its text as it was, and goes on as the plain fold does', () => {
  fc.assert(
    fc.property(
      steps,
      fc.nat(50),
      fc.tuple(kinds, fc.nat(5), fc.integer({ min: 1, max: 900 })),
      (history, at, next) => {
        const events = historyOf(history);
        const whole = foldAccount(events);
        let account = emptyAccount;
        events.forEach((event, n) => {
          // Stored at one place and at every third.
          if (n === at || n % 3 === 0) account = stored(account);
          account = evolveAccount(account, event);
        });
        const restored = stored(account);
        expect(restored).toStrictEqual(whole);
        // Maps keep their order: repayments take the oldest receivable first.
        expect([...restored.receivables.keys()]).toEqual([...whole.receivables.keys()]);
        expect([...restored.exchanges.keys()]).toEqual([...whole.exchanges.keys()]);
        expect(decide(restored, next, 99)).toStrictEqual(decide(whole, next, 99));
      },
    ),
    { numRuns: 300 },
  );
});

it('a fold that gives something else needs a new version of it', () => {
  let random = 1;
  const below = (limit: number) => {
    random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((random / 2_147_483_648) * limit);
  };
  const histories = Array.from({ length: 60 }, () =>
    historyOf(Array.from({ length: 40 }, (): Step => [below(10), below(6), 1 + below(900)])),
  );
  expect(new Set(histories.flat().map(({ type }) => type)).size).toBe(12);
  const text = JSON.stringify(histories.map((events) => toSnapshot(foldAccount(events))));
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  // Where this fails because the fold was changed on purpose: raise `foldVersion`, and put its digest here.
  expect({ foldVersion, digest }).toEqual({ foldVersion: 1, digest: '21f6b1b12bd43073' });
});

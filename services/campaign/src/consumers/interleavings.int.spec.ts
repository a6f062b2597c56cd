import { domainEvents } from '@tsunagu/event-store';
import { message } from '@tsunagu/service-host/testing';
import { CuttingProxy, testPostgresUrl } from '@tsunagu/testing';
import fc from 'fast-check';
import { restOnWithdrawn } from '../domain/consent.js';
import type { Answer } from '../domain/eligibility.js';
import { decideNoted, type EntitlementEvent, foldEntitlement } from '../domain/entitlement.js';
import { type NoteEvent, notedOf, noteStreams } from '../domain/standing.js';
import { campaignBody, fundId, grantRefused, pointsGranted, type Stage, startStage } from '../test-stage.js';

/** One person to identity. */
interface Known {
  held: boolean;
  readAt: string | null;
  revocation: { change: number; revoked: boolean };
  erased: boolean;
}

/** What happens to a person and a claim, in whatever order and at the same moment, with appends that are cut off and messages that come late. */
const act = fc.constantFrom(
  'claim',
  'hold',
  'release',
  'grant',
  'refuse',
  'batch',
  'withdraw',
  'readCard',
  'revoke',
  'restore',
  'erase',
  'tellLater',
  'again',
  'cutAnswer',
  'cutQuestion',
);
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;

describe('claims of persons who are revoked, erased or withdraw', () => {
  let proxy: CuttingProxy;
  let stage: Stage;
  const persons = new Map<string, Known>();

  beforeAll(async () => {
    proxy = await CuttingProxy.start(new URL(process.env[testPostgresUrl] ?? ''));
    stage = await startStage({}, { through: (url) => proxy.through(url) });
    stage.outside.standing = (personId) => {
      const { held = false, revocation = { change: 0, revoked: false }, erased = false } = persons.get(personId) ?? {};
      return { underReview: held, revocation, erased };
    };
    stage.outside.answers = (personId) => {
      const factReadAt = persons.get(personId)?.readAt ?? null;
      return [{ rule: 'age', answer: factReadAt === null ? 'unknown' : 'yes', factReadAt }] satisfies Answer[];
    };
  });
  afterAll(async () => {
    await stage.service.close();
    await proxy.close();
  });

  const now = () => new Date(stage.service.clock.now()).toISOString();
  const events = async (...streams: string[]) => {
    const read = await stage.service.log.readStreams(streams);
    return streams.flatMap((stream) => read.get(stream) ?? []);
  };

  async function play(moments: readonly (readonly Act[])[], campaign: Awaited<ReturnType<Stage['open']>>) {
    const { personId, token } = await stage.person();
    const person: Known = { held: false, readAt: null, revocation: { change: 0, revoked: false }, erased: false };
    persons.set(personId, person);
    const entitlement = `entitlement-${campaign.measureId}+${personId}`;
    const told: ReturnType<typeof message>[] = [];
    const late: ReturnType<typeof message>[] = [];
    const answers: ReturnType<typeof message>[] = [];
    const receipts = new Set<string>();
    let [granted, isLate] = [false, false];

    /** An append that is cut off is an outage: the feed gives the message again, and so does `again`. */
    const tolerant = (run: Promise<unknown>) => run.catch(() => undefined);
    const tell = async (said: ReturnType<typeof message>) => {
      told.push(said);
      if (isLate) late.push(said);
      else await tolerant(stage.tell(said));
      isLate = false;
    };
    const setRevoked = (revoked: boolean) => {
      if (person.revocation.revoked === revoked || person.erased) return;
      person.revocation = { change: person.revocation.change + 1, revoked };
      const { change } = person.revocation;
      return tell(message(revoked ? 'IdentityRevoked' : 'IdentityRestored', { personId, change }));
    };
    const handedOver = async () =>
      domainEvents<EntitlementEvent>(await events(entitlement)).flatMap((event) => {
        if (event.type !== 'ClaimAccepted' && event.type !== 'ClaimReopened') return [];
        return 'heldFor' in event.data ? [] : [event];
      });
    /** The ledger decides each order once, and never grants a claim twice. */
    const decide = async (outcome: 'grant' | 'refuse') => {
      const order = (await handedOver()).find(({ id }) => !answers.some(({ causationId }) => causationId === id));
      if (!order) return;
      const made = { ...order.data, campaignId: campaign.campaignId };
      const reason = granted ? 'already_granted' : 'fund_exhausted';
      const answer =
        outcome === 'grant' && !granted
          ? pointsGranted(made, personId, order.data.attempt)
          : grantRefused(made, personId, order.data.attempt, reason);
      granted ||= answer.type === 'PointsGranted';
      answers.push({ ...answer, causationId: order.id });
      await tolerant(stage.deliver(answer));
    };
    const claim = async () => {
      const { status, body } = await stage.claim(campaign, token);
      expect([200, 202, 403, 503]).toContain(status);
      if (body.claimId) receipts.add(`${body.claimId} ${body.receipt.number}`);
      return body;
    };
    const cut = (what: 'answer' | 'question') => proxy.cutNext({ text: ['append_events', personId], what });
    const acts: Record<Act, () => unknown> = {
      claim,
      hold: () => {
        person.held = true;
      },
      release: () => {
        person.held = false;
        return tell(
          message('PersonReviewed', { personId, reviewId: fundId, outcome: 'different_persons', held: false }),
        );
      },
      grant: () => decide('grant'),
      refuse: () => decide('refuse'),
      batch: () => stage.post(`/campaigns/${campaign.campaignId}/claim-reopenings`, stage.operator),
      withdraw: () => {
        stage.service.clock.forward(1);
        person.readAt = null;
        return tell(message('ConsentWithdrawn', { personId, purpose: 'attributes', withdrawnAt: now() }));
      },
      readCard: () => {
        stage.service.clock.forward(1);
        if (!person.erased) person.readAt = now();
      },
      revoke: () => setRevoked(true),
      restore: () => setRevoked(false),
      erase: () => {
        if (person.erased) return;
        [person.erased, person.readAt] = [true, null];
        return tell(message('PersonErased', { personId, erasureId: fundId, keyHash: 'a'.repeat(64) }));
      },
      tellLater: () => {
        isLate = true;
      },
      again: () =>
        Promise.all([tolerant(stage.tell(...told.toReversed())), tolerant(stage.deliver(...answers)), late.splice(0)]),
      cutAnswer: () => cut('answer'),
      cutQuestion: () => cut('question'),
    };

    await acts.readCard();
    for (const moment of moments) {
      const before = await stage.service.log.head();
      await Promise.all(moment.map((each) => acts[each]()));
      const notes = domainEvents<NoteEvent>(await events(...noteStreams(personId)));
      for (const { data, position, reads } of await handedOver()) {
        if (position <= before) continue;
        // What was noted by the moment before must be heeded; of what is noted in this very one, what was read.
        const heeded = notedOf(
          notes.filter((note) => note.revision <= (reads?.[note.stream] ?? -1) || note.position <= before),
        );
        expect([heeded.revoked, heeded.erased, restOnWithdrawn(data.answers, heeded.withdrawnAt)]).toEqual([
          false,
          false,
          false,
        ]);
      }
    }
    // Whatever was lost or late is told in the end, twice and in two orders.
    await stage.tell(...told);
    await stage.tell(...told.toReversed());
    await stage.deliver(...answers);

    const recorded = domainEvents<EntitlementEvent>(await events(entitlement));
    const noted = notedOf(domainEvents<NoteEvent>(await events(...noteStreams(personId))));
    expect([noted.revoked, noted.erased]).toEqual([person.revocation.revoked, person.erased]);
    expect(recorded.filter(({ type }) => type === 'ClaimGranted')).toHaveLength(granted ? 1 : 0);
    expect(receipts.size).toBeLessThanOrEqual(1);
    const last = foldEntitlement(recorded);
    if (!last) return;
    expect(new Set(recorded.map(({ data }) => data.claimId)).size).toBe(1);
    // Nothing waits that what is noted ends.
    expect(decideNoted(last, now(), noted)).toEqual([]);
    await expectSameAgain(last.order.claimId);

    // I2: whatever became of the person, who is not erased and cures it all gets on, with the same claim and receipt.
    if (person.erased || (last.state === 'refused' && !last.curable)) return;
    for (const each of ['restore', 'readCard', 'release'] as const) await acts[each]();
    const { claimId, state } = await claim();
    expect([claimId, receipts.size]).toEqual([last.order.claimId, 1]);
    expect(['accepted', 'granted']).toContain(state);
  }

  /** I6, but for the ledger's answers: the ledger here recorded nothing that a replay could show. */
  async function expectSameAgain(claimId: string) {
    const auditor = await stage.service.token({ role: 'auditor', ownerId: 'demo', subject: 'audit-1' });
    const { body } = await stage.get(`/claims/${claimId}/replay`, auditor);
    const ofLedger = ['fund_exhausted', 'already_granted'];
    const differing = body.events.filter(
      ({
        type,
        data,
        decidedAgain,
      }: {
        type: string;
        data: { reasonCode?: string };
        decidedAgain: { same: boolean };
      }) => type !== 'ClaimGranted' && !ofLedger.includes(data.reasonCode ?? '') && !decidedAgain.same,
    );
    expect(differing).toEqual([]);
  }

  it.each([
    ['with rules', { ...campaignBody, measures: [{ ...campaignBody.measures[0], eligibility: { minimumAge: 15 } }] }],
    ['without rules', campaignBody],
  ])(
    'of a measure %s: nothing goes to the ledger that is to end, nothing is granted twice, nothing is lost',
    async (_, body) => {
      const campaign = await stage.open(body);
      const moments = fc.array(fc.array(act, { minLength: 1, maxLength: 3 }), { minLength: 4, maxLength: 14 });
      const first = fc.constantFrom<Act[][]>(
        [['claim']],
        [['hold'], ['claim']],
        [['revoke'], ['claim']],
        [['erase'], ['claim']],
        [['revoke', 'claim']],
        [['claim', 'erase']],
      );
      await fc.assert(
        fc.asyncProperty(first, moments, (begun, played) => play([...begun, ...played], campaign)),
        { numRuns: 40, endOnFailure: true },
      );
    },
    120_000,
  );
});

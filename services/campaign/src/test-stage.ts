import { randomUUID } from 'node:crypto';
import { topics } from '@tsunagu/contracts';
import { newId } from '@tsunagu/kernel';
import { message, startTestService, type TestAnswer } from '@tsunagu/service-host/testing';
import { definition } from './definition.js';
import type { Answer } from './domain/eligibility.js';
import type { Fund, GrantState, Standing } from './outbound/questions.js';
import type { LedgerQuestion, LedgerStep } from './workflows/claim-replay.js';

export const fundId = '019ab3f0-6c00-7000-8000-0000000000f1';
export const dryRunFundId = '019ab3f0-6c00-7000-8000-0000000000f2';
export const othersFundId = '019ab3f0-6c00-7000-8000-0000000000f3';
export const amountPoints = 11_000;

/** Opens before the stage's clock starts (2026-11-20T01:00Z) and closes long after it. */
export const campaignBody = {
  name: 'Launch',
  opensAt: '2026-11-01T09:00:00+09:00',
  closesAt: '2027-04-01T00:00:00+09:00',
  measures: [{ name: 'For everybody', amountPoints, fundId, pointsExpireAfterMonths: 6 }],
};

export type Stage = Awaited<ReturnType<typeof startStage>>;

/** The campaign service for its specs, with a ledger and an identity that say what the spec wants. */
export async function startStage(
  env: Readonly<Record<string, string>> = {},
  options: Pick<NonNullable<Parameters<typeof startTestService>[1]>, 'through'> = {},
) {
  const funds = new Map<string, Fund>(
    [
      { fundId, ownerId: 'demo', dryRun: false },
      { fundId: dryRunFundId, ownerId: 'demo', dryRun: true },
      { fundId: othersFundId, ownerId: 'tokyo', dryRun: false },
    ].map((fund) => [fund.fundId, { ...fund, undrawnPoints: 1_000_000 }]),
  );
  const grants = new Map<string, GrantState>();
  const asked: { personId: string; rules: unknown; at: string }[] = [];
  const cardsAsked: string[] = [];
  const outside = {
    funds,
    grants,
    asked,
    /** Whose cards identity was told to ask about. */
    cardsAsked,
    knowsCardChecks: true,
    answers: (_personId: string): readonly Answer[] | Promise<readonly Answer[]> | undefined => [],
    ledgerIsDown: false,
    identityIsDown: false,
    /** What identity says of a person besides the answers. */
    standing: (_personId: string): Partial<Omit<Standing, 'answers'>> => ({}),
    /** The ledger's part of a replay; undefined for a ledger that does not know the question. */
    replay: (_question: LedgerQuestion): readonly LedgerStep[] | undefined => [],
  };
  const service = await startTestService(definition, {
    ...options,
    env,
    questions: {
      'point-ledger': (path, body) => {
        if (outside.ledgerIsDown) throw new Error('down');
        const [kind, first = '', second = ''] = path.split('/');
        if (kind === 'claim-replays') {
          const steps = outside.replay(body as LedgerQuestion);
          return steps && { steps };
        }
        return kind === 'funds' ? funds.get(first) : grants.get(second);
      },
      identity: async (path, body) => {
        if (outside.identityIsDown) throw new Error('down');
        if (path === 'card-checks') {
          if (!outside.knowsCardChecks) return undefined;
          cardsAsked.push(...(body as { personIds: string[] }).personIds);
          return {};
        }
        const { personIds, rules, at } = body as { personIds: string[]; rules: unknown; at: string };
        const standings = personIds.map(async (personId) => {
          asked.push({ personId, rules, at });
          const answers = await outside.answers(personId);
          const standing = { underReview: false, personId, formerPersonIds: [], ...outside.standing(personId) };
          return answers ? { answers, ...standing } : null;
        });
        return { standings: await Promise.all(standings) };
      },
    },
  });
  const operator = await service.token({ role: 'operator', ownerId: 'demo' });
  const base = '/campaign/v1';

  async function post(path: string, token: string, body?: unknown, headers: Record<string, string> = {}) {
    return service.call('POST', `${base}${path}`, { token, ...(body === undefined ? {} : { body }), headers });
  }

  return {
    service,
    outside,
    operator,
    post,
    get: (path: string, token?: string, headers: Record<string, string> = {}) =>
      service.call('GET', `${base}${path}`, { ...(token === undefined ? {} : { token }), headers }),
    draft: (body: object = campaignBody, token = operator, key: string = randomUUID()) =>
      post('/campaigns', token, body, { 'idempotency-key': key }),
    turn: (campaignId: string, transition: string, token = operator) =>
      post(`/campaigns/${campaignId}/${transition}`, token),
    /** An open campaign and the id of its first measure. */
    async open(body: object = campaignBody) {
      const drafted = await this.draft(body);
      const { campaignId, measures } = drafted.body;
      await this.turn(campaignId, 'open');
      return { campaignId: String(campaignId), measureId: String(measures[0].measureId) };
    },
    async person() {
      const personId = newId(service.clock.now());
      return { personId, token: await service.token({ role: 'citizen', subject: personId }) };
    },
    claim: (campaign: { campaignId: string; measureId: string }, token: string): Promise<TestAnswer> =>
      post(`/campaigns/${campaign.campaignId}/claims`, token, { measureId: campaign.measureId }),
    deliver: (...messages: ReturnType<typeof message>[]) => service.deliver(topics.account, messages),
    /** What identity publishes of persons. */
    tell: (...messages: ReturnType<typeof message>[]) => service.deliver(topics.person, messages),
  };
}

interface Claimed {
  readonly claimId: string;
  readonly measureId: string;
  readonly campaignId: string;
}

export function pointsGranted(claim: Claimed, personId: string, attempt = 1) {
  const { claimId, measureId, campaignId } = claim;
  return message('PointsGranted', {
    claimId,
    personId,
    campaignId,
    measureId,
    lotId: newId(0),
    fundId,
    ownerId: 'demo',
    amountPoints,
    attempt,
    grantedAt: '2026-11-20T01:00:01.000Z',
    expiresAt: null,
    dryRun: false,
    legalClass: 'free',
    usableFrom: null,
    batchId: null,
  });
}

export function grantRefused(claim: Claimed, personId: string, attempt = 1, reasonCode = 'fund_exhausted') {
  const { claimId, measureId } = claim;
  const curable = reasonCode === 'fund_exhausted';
  return message('GrantRefused', { claimId, personId, measureId, fundId, attempt, reasonCode, curable });
}

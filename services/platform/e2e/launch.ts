import { setTimeout as delay } from 'node:timers/promises';
import { isoTime } from '@tsunagu/kernel';
import type { ApiClient } from '../src/api-client.js';

const DAY_MS = 86_400_000;

export interface Launched {
  readonly fundId: string;
  readonly campaignId: string;
  readonly measureId: string;
}

export interface ClaimAnswer {
  readonly claimId: string;
  readonly state: string;
  readonly reasonCode?: string;
  readonly receipt: { readonly number: string };
}

/** A fund and an open campaign with one measure on it, made over the API. */
export async function launchCampaign(
  api: ApiClient,
  operator: string,
  {
    fundPoints,
    amountPoints,
    eligibility,
    nowMs = Date.now(),
  }: { fundPoints: number; amountPoints: number; eligibility?: { minimumAge: number }; nowMs?: number },
): Promise<Launched> {
  const { fundId } = await api.expect<{ fundId: string }>(201, 'POST', '/point-ledger/v1/funds', {
    token: operator,
    body: { name: 'Fund', amountPoints: fundPoints, fiscalYear: 2026 },
  });
  const campaign = await api.expect<{ campaignId: string; measures: { measureId: string }[] }>(
    201,
    'POST',
    '/campaign/v1/campaigns',
    {
      token: operator,
      body: {
        name: 'Campaign',
        opensAt: isoTime(nowMs - 60_000),
        closesAt: isoTime(nowMs + 30 * DAY_MS),
        measures: [{ name: 'Measure', amountPoints, fundId, eligibility }],
      },
    },
  );
  await api.expect(200, 'POST', `/campaign/v1/campaigns/${campaign.campaignId}/open`, { token: operator });
  return { fundId, campaignId: campaign.campaignId, measureId: campaign.measures[0]?.measureId ?? '' };
}

export function claim(api: ApiClient, { campaignId, measureId }: Launched, token: string) {
  return api.call<ClaimAnswer>('POST', `/campaign/v1/campaigns/${campaignId}/claims`, { token, body: { measureId } });
}

/** Waits for the claim's end as a client does: as long as the server lets a call wait, and again after a 503, which refuses nothing. */
export async function claimEnd(
  api: ApiClient,
  token: string,
  claimId: string,
  withinMs = 20_000,
): Promise<ClaimAnswer> {
  const until = Date.now() + withinMs;
  for (;;) {
    const { status, body } = await api.call<ClaimAnswer>('GET', `/campaign/v1/claims/${claimId}`, {
      token,
      prefer: 'wait=5',
    });
    const open = status === 503 || (status === 200 && body.state === 'accepted');
    if (!open || Date.now() > until) return body;
    if (status === 503) await delay(200);
  }
}

/** Lets a citizen claim a measure and waits for the points. */
export async function grant(api: ApiClient, launched: Launched, token: string): Promise<void> {
  const { body } = await claim(api, launched, token);
  const end = await claimEnd(api, token, body.claimId);
  if (end.state !== 'granted') throw new Error(`the claim ended ${end.state}: ${end.reasonCode ?? ''}`);
}

/** Reads until the state is one of those named, the server waiting as long as it lets a call wait. */
export async function untilState(
  api: ApiClient,
  path: string,
  token: string,
  states: readonly string[],
  withinMs = 20_000,
): Promise<Record<string, unknown> & { state: string }> {
  const until = Date.now() + withinMs;
  for (;;) {
    const found = await api.expect<Record<string, unknown> & { state: string }>(200, 'GET', path, {
      token,
      prefer: 'wait=2',
    });
    if (states.includes(found.state) || Date.now() > until) return found;
  }
}

export interface AccountAnswer {
  readonly availablePoints: number;
  readonly exchangeablePoints: number;
  readonly heldPoints: number;
  readonly lots: readonly { readonly remainingPoints: number; readonly heldPoints: number }[];
}

export function account(api: ApiClient, token: string): Promise<AccountAnswer> {
  return api.expect<AccountAnswer>(200, 'GET', '/point-ledger/v1/accounts/me', { token });
}

/** Links a citizen to a provider's account and waits until it stands. */
export async function establishedLink(
  api: ApiClient,
  token: string,
  order: { providerId: string; providerAccountId: string; securityCode: string },
): Promise<string> {
  const { linkId } = await api.expect<{ linkId: string }>(202, 'POST', '/service-link/v1/links', {
    token,
    body: order,
  });
  const link = await untilState(api, `/service-link/v1/links/${linkId}`, token, ['established', 'refused']);
  if (link.state !== 'established') throw new Error(`the link ended ${link.state}`);
  return linkId;
}

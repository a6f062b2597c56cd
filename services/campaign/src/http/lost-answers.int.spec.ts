import { CuttingProxy, testPostgresUrl } from '@tsunagu/testing';
import { type Stage, startStage } from '../test-stage.js';

/** The connection to the database is cut between a COMMIT and its answer: what the person who claims is told. */

let proxy: CuttingProxy;
let stage: Stage;
beforeAll(async () => {
  proxy = await CuttingProxy.start(new URL(process.env[testPostgresUrl] ?? ''));
  stage = await startStage({}, { through: (url) => proxy.through(url) });
});
afterAll(async () => {
  await stage.service.close();
  await proxy.close();
});

const append = ['append_events', 'ClaimAccepted'];

it.each(['answer', 'question'] as const)(
  'a claim whose commit lost its %s is acknowledged once it is known',
  async (what) => {
    const campaign = await stage.open();
    const { personId, token } = await stage.person();
    proxy.cutNext({ text: append, what });
    const first = await stage.claim(campaign, token);
    expect(proxy.hasCut).toBe(true);
    expect([first.status, first.body.state]).toEqual([202, 'accepted']);
    const again = await stage.claim(campaign, token);
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(await eventsOn(campaign, personId)).toEqual(['ClaimAccepted']);
  },
);

it.each([
  ['answer', 200],
  ['question', 202],
] as const)(
  'a claim of which nobody knows (its %s was lost, and then the database) is 503 and no refusal; the next try tells',
  async (what, status) => {
    const campaign = await stage.open();
    const { personId, token } = await stage.person();
    proxy.cutNext({ text: append, what, thenDown: true });
    const unknown = await stage.claim(campaign, token);
    expect([unknown.status, unknown.body.code]).toEqual([503, 'service.unavailable']);
    expect(Number(unknown.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(unknown.body.receipt).toBeUndefined();
    proxy.setDown(false);
    const then = await stage.claim(campaign, token);
    // With the answer lost the claim was made: it is there, with the receipt that nobody had seen yet.
    expect([then.status, then.body.state]).toEqual([status, 'accepted']);
    const again = await stage.claim(campaign, token);
    expect([again.status, again.body.receipt]).toEqual([200, then.body.receipt]);
    expect(await eventsOn(campaign, personId)).toEqual(['ClaimAccepted']);
  },
  30_000,
);

async function eventsOn({ measureId }: { measureId: string }, personId: string): Promise<string[]> {
  const stream = `entitlement-${measureId}+${personId}`;
  return ((await stage.service.log.readStreams([stream])).get(stream) ?? []).map(({ type }) => type);
}

import { type ExchangeStage, startExchangeStage } from './test-exchange-stage.js';

describe('an exchange over a link that is disputed', () => {
  let stage: ExchangeStage;
  beforeAll(async () => {
    stage = await startExchangeStage();
  });
  afterAll(() => stage.close());

  const linkIs = (linkId: string, state: string, providerAccountRef: string | null = null) => {
    stage.links[linkId] = { ...(stage.links[linkId] as object), state, providerAccountRef };
  };

  /** Requested over a link that is disputed before the ledger holds the points. */
  async function heldBack() {
    const linkId = stage.freshLink();
    const reference = (stage.links[linkId] as { providerAccountRef: string }).providerAccountRef;
    const posted = stage.post(100, linkId);
    const requested = await stage.nextRequested();
    linkIs(linkId, 'disputed');
    await stage.holdsFor(requested, 100);
    await posted;
    return { linkId, exchangeId: requested, reference };
  }

  async function openOver(linkId: string) {
    const token = await stage.service.token({ role: 'service', subject: 'service-link' });
    const path = `/exchange-settlement/internal/v1/links/${linkId}/open-exchanges`;
    return (await stage.service.call('GET', path, { token })).body.exchanges;
  }

  it('is refused when it is asked for', async () => {
    const linkId = stage.freshLink();
    linkIs(linkId, 'disputed');
    expect(await stage.post(100, linkId)).toMatchObject({
      status: 409,
      body: { code: 'exchange.link_not_established' },
    });
  });

  it('is held back when it is held already, listed, and sent once the link is upheld', async () => {
    const { linkId, exchangeId, reference } = await heldBack();
    await stage.until(exchangeId, 'ExchangeHeld');
    expect(await openOver(linkId)).toEqual([{ exchangeId, state: 'held', points: 100 }]);
    expect(await stage.typesOf(exchangeId)).toEqual(['ExchangeRequested', 'ExchangeHeld']);
    expect(await stage.creditsOf(exchangeId)).toBe(0);
    linkIs(linkId, 'established', reference);
    await stage.until(exchangeId, 'ExchangeConfirmed');
    expect(await stage.creditsOf(exchangeId)).toBe(1);
    await stage.captured(exchangeId, 100);
    expect(await openOver(linkId)).toEqual([]);
  }, 30_000);

  it('is called off when the link ends, and nothing was sent', async () => {
    const { linkId, exchangeId } = await heldBack();
    linkIs(linkId, 'ended');
    await stage.until(exchangeId, 'ExchangeCancelled');
    expect((await stage.read(exchangeId)).body).toMatchObject({ state: 'cancelled', reasonCode: 'link_ended' });
    expect(await stage.creditsOf(exchangeId)).toBe(0);
    expect(await openOver(linkId)).toEqual([]);
  }, 30_000);

  it('was submitted: it is asked about, and no further credit goes out', async () => {
    await stage.faults('timeout');
    const linkId = stage.freshLink();
    const [, exchangeId] = await Promise.all([stage.post(100, linkId), stage.ledgerHolds(100)]);
    await stage.until(exchangeId, 'ExchangeOutcomeUnknown');
    linkIs(linkId, 'disputed');
    await stage.faults('none');
    expect(await openOver(linkId)).toMatchObject([{ exchangeId, state: 'outcome_unknown' }]);
    expect((await stage.read(exchangeId, 3)).body.state).toBe('outcome_unknown');
    expect(await stage.creditsOf(exchangeId)).toBe(0);
  }, 30_000);
});

/** service-link names the account until nothing is under way any more. */
describe('an exchange of a person who is erased', () => {
  let stage: ExchangeStage;
  beforeAll(async () => {
    stage = await startExchangeStage();
  });
  afterAll(() => stage.close());

  const erased = (linkId: string) => {
    stage.links[linkId] = { ...(stage.links[linkId] as object), state: 'ended' };
  };

  it('was sent and is not known at the provider: it is sent again, and comes to its end once', async () => {
    await stage.faults('timeout');
    const linkId = stage.freshLink();
    const [, exchangeId] = await Promise.all([stage.post(100, linkId), stage.ledgerHolds(100)]);
    await stage.until(exchangeId, 'ExchangeOutcomeUnknown');
    expect(await stage.creditsOf(exchangeId)).toBe(0);
    erased(linkId);
    await stage.faults('none');
    await stage.until(exchangeId, 'ExchangeConfirmed');
    expect(await stage.creditsOf(exchangeId)).toBe(1);
  }, 30_000);

  it('was not sent yet: it is called off, though the account is named', async () => {
    const linkId = stage.freshLink();
    const posted = stage.post(100, linkId);
    const exchangeId = await stage.nextRequested();
    erased(linkId);
    await stage.holdsFor(exchangeId, 100);
    await posted;
    await stage.until(exchangeId, 'ExchangeCancelled');
    expect(await stage.creditsOf(exchangeId)).toBe(0);
  }, 30_000);
});

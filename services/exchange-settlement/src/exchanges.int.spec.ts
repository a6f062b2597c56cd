import { topics } from '@tsunagu/contracts';
import { newId } from '@tsunagu/kernel';
import { QuestionUnanswered } from '@tsunagu/service-host';
import { message } from '@tsunagu/service-host/testing';
import type { FaultMode } from '@tsunagu/testing';
import { type ExchangeStage, holdOf, lots, me, startExchangeStage } from './test-exchange-stage.js';

let stage: ExchangeStage;
beforeAll(async () => {
  stage = await startExchangeStage();
});
afterAll(() => stage.close());
beforeEach(async () => {
  stage.broken.answer = undefined;
  await stage.faults('none');
});

describe('an exchange', () => {
  it('is held when the POST answers, credited once, and confirmed only after the capture', async () => {
    const { answer, exchangeId } = await stage.exchange(300);
    expect(['held', 'submitted']).toContain(answer.body.state);
    await stage.until(exchangeId, 'ExchangeConfirmed');
    expect((await stage.read(exchangeId)).body).toMatchObject({ state: 'submitted', points: 300, providerPoints: 300 });
    await stage.captured(exchangeId, 300);
    const ended = await stage.read(exchangeId, 5);
    expect(ended.body).toMatchObject({ state: 'confirmed', providerReference: expect.stringMatching(/^SP\d{12}$/) });
    expect(await stage.typesOf(exchangeId)).toEqual([
      'ExchangeRequested',
      'ExchangeHeld',
      'ExchangeSubmitted',
      'ProviderCredited',
      'ExchangeConfirmed',
      'ExchangeCaptured',
    ]);
    const token = await stage.service.token({ role: 'citizen', subject: me });
    const list = await stage.service.call('GET', '/exchange/v1/exchanges?limit=1', { token });
    expect(list.body.exchanges).toEqual([ended.body]);
    const outcome = await stage.service.call(
      'GET',
      `/exchange-settlement/internal/v1/exchanges/${exchangeId}/outcome`,
      {
        token: await stage.service.token({ role: 'service', subject: 'point-ledger' }),
      },
    );
    expect(outcome.body).toMatchObject({ exchangeId, outcome: 'confirmed', eventId: expect.any(String) });
    expect((await stage.read(exchangeId, 0, newId(5))).status).toBe(404);
  });

  it.each([
    ['insufficient_points', 'exchange.insufficient_points'],
    ['points_not_usable_yet', 'exchange.points_not_usable_yet'],
  ])('is refused at once when the ledger says %s', async (reasonCode, code) => {
    const [answer] = await Promise.all([
      stage.post(700),
      stage.nextRequested().then((exchangeId) => {
        const data = {
          exchangeId,
          personId: me,
          points: 700,
          reasonCode,
          exchangeablePoints: 300,
        };
        return stage.service.deliver(topics.account, [message('HoldRefused', data)]);
      }),
    ]);
    expect(answer).toMatchObject({ status: 409, body: { code } });
    expect((await stage.read(answer.body.exchangeId)).body).toMatchObject({ state: 'rejected', reasonCode });
  });

  it('is 202 requested when the ledger does not answer in time, and goes on when it does', async () => {
    const answer = await stage.post(100);
    expect(answer).toMatchObject({ status: 202, body: { state: 'requested', providerPoints: 100 } });
    const exchangeId = await stage.ledgerHolds(100);
    await stage.until(exchangeId, 'ExchangeConfirmed');
    await stage.captured(exchangeId, 100);
  });

  it.each([
    ['fewer points than the minimum', 50, undefined, 422, 'exchange.below_minimum'],
    ['points that are no whole units', 150, undefined, 422, 'exchange.not_in_units'],
    ['a link that is not established', 100, { state: 'requested' }, 409, 'exchange.link_not_established'],
    ["somebody else's link", 100, { personId: newId(9) }, 404, 'request.not_found'],
    ['no points', 0, undefined, 400, 'request.invalid'],
  ])('is refused for %s', async (_, points, change, status, code) => {
    expect(await stage.post(points, stage.freshLink(change))).toMatchObject({ status, body: { code } });
  });

  it('is refused for a link that nobody knows, and left alone when the link cannot be asked for', async () => {
    expect((await stage.post(100, newId(3))).status).toBe(404);
    const known = stage.service.questions['service-link'];
    stage.service.questions['service-link'] = () => {
      throw new QuestionUnanswered('service-link', 'down');
    };
    expect((await stage.post(100)).status).toBe(503);
    if (known) stage.service.questions['service-link'] = known;
  });

  it('is not begun while the person is frozen; the same key goes on when the freeze is lifted', async () => {
    const key = newId(1);
    const linkId = stage.freshLink();
    stage.frozen.add(me);
    expect(await stage.post(100, linkId, key)).toMatchObject({ status: 403, body: { code: 'identity.frozen' } });
    stage.frozen.delete(me);
    const [answer, exchangeId] = await Promise.all([stage.post(100, linkId, key), stage.ledgerHolds(100)]);
    expect(answer).toMatchObject({ status: 202, body: { exchangeId } });
    await stage.until(exchangeId, 'ExchangeConfirmed');
    await stage.captured(exchangeId, 100);
  });

  it('rejected by the provider ends so, and the release is recorded', async () => {
    await stage.faults('reject');
    const { exchangeId } = await stage.exchange(200);
    await stage.until(exchangeId, 'ExchangeRejected');
    expect((await stage.read(exchangeId)).body).toMatchObject({ state: 'rejected', reasonCode: 'declined' });
    const holdId = holdOf(exchangeId);
    await stage.service.deliver(topics.account, [
      message('HoldReleased', {
        holdId,
        exchangeId,
        personId: me,
        points: 200,
        lots: lots(200),
        reasonCode: 'declined',
      }),
    ]);
    expect((await stage.typesOf(exchangeId)).at(-1)).toBe('ExchangeReleased');
  });
});

describe('a provider that misbehaves', () => {
  it.each<[FaultMode, string | undefined]>([
    ['credit_then_drop', 'ExchangeOutcomeUnknown'],
    ['late', 'ExchangeOutcomeUnknown'],
    ['error', 'ExchangeOutcomeUnknown'],
    ['pending', undefined],
  ])('%s: the exchange is confirmed in the end, credited once, never refused', async (mode, between) => {
    await stage.faults(mode);
    const { exchangeId } = await stage.exchange(100);
    if (between) {
      await stage.until(exchangeId, between);
      expect((await stage.read(exchangeId)).body.state).toBe('outcome_unknown');
    }
    await stage.faults('none');
    await stage.until(exchangeId, 'ExchangeConfirmed');
    expect(await stage.creditsOf(exchangeId)).toBe(1);
    expect(await stage.typesOf(exchangeId)).not.toContain('ExchangeRejected');
    await stage.captured(exchangeId, 100);
  });

  it('garbage leaves the outcome unknown until an inquiry answers', async () => {
    stage.broken.answer = (path, response) => {
      if (!path.endsWith('/credits')) return false;
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"state":"cred');
      return true;
    };
    const { exchangeId } = await stage.exchange(100);
    await stage.until(exchangeId, 'ExchangeOutcomeUnknown');
    expect(await stage.creditsOf(exchangeId)).toBe(0);
    stage.broken.answer = undefined;
    await stage.until(exchangeId, 'ExchangeConfirmed');
    expect(await stage.creditsOf(exchangeId)).toBe(1);
    await stage.captured(exchangeId, 100);
  });

  it('what stays unknown past the limit is under review, raises an alarm, and is confirmed by a late answer all the same', async () => {
    stage.broken.answer = (path, response) => {
      if (!path.includes('/credits')) return false;
      response.destroy();
      return true;
    };
    const { exchangeId } = await stage.exchange(100);
    await stage.until(exchangeId, 'ExchangeOutcomeUnknown');
    stage.service.clock.forward(72 * 3_600_000);
    await stage.until(exchangeId, 'ExchangeReviewOpened');
    expect((await stage.read(exchangeId)).body.state).toBe('under_review');
    expect(stage.service.logLines).toContainEqual(
      expect.objectContaining({ alarm: 'exchange_under_review', exchangeId }),
    );
    stage.broken.answer = undefined;
    await stage.until(exchangeId, 'ExchangeConfirmed');
    await stage.captured(exchangeId, 100);
  });
});

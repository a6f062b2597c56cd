import { StoreError } from '@tsunagu/event-store';
import { errorFacts, FeedInterrupted, isOutage } from './outage.js';

const withCode = (code: string) => Object.assign(new Error('failed'), { code });

describe('isOutage', () => {
  it.each([
    '08006',
    '57P01',
    '53300',
    '40001',
    '40P01',
    '25006',
    '57014',
    'ECONNREFUSED',
    'ETIMEDOUT',
    'UND_ERR_SOCKET',
  ])('takes code %s for an outage', (code) => {
    expect(isOutage(withCode(code))).toBe(true);
  });

  it.each(['23505', '22P02', '42P01', 'P0001', 'ERR_INVALID_ARG_TYPE', 'store.invalid_request'])(
    'takes code %s for an error of the message',
    (code) => {
      expect(isOutage(withCode(code))).toBe(false);
    },
  );

  it.each([
    new StoreError('store.unavailable', 'gone'),
    new StoreError('store.outcome_unknown', 'lost'),
    new FeedInterrupted('not now'),
    Object.assign(new Error('no answer'), { name: 'QuestionUnanswered' }),
    new DOMException('too late', 'TimeoutError'),
    new Error('Connection terminated unexpectedly'),
    new Error('timeout exceeded when trying to connect'),
    new TypeError('fetch failed', { cause: withCode('ECONNRESET') }),
    new AggregateError([withCode('ECONNREFUSED')], 'no address answered'),
  ])('takes case %# for an outage', (error) => {
    expect(isOutage(error)).toBe(true);
  });

  it.each([
    new StoreError('store.id_in_other_stream', 'a bug'),
    new TypeError('undefined is not a function'),
    'text',
    null,
  ])('takes %s for an error of the message', (error) => {
    expect(isOutage(error)).toBe(false);
  });
});

describe('errorFacts', () => {
  it('never holds the message, which may carry personal data', () => {
    const facts = errorFacts(Object.assign(new TypeError('born 1990-04-01'), { code: 'card 12345 of Taro' }));
    expect(facts.class).toBe('TypeError');
    expect(facts.code).toBeNull();
    expect(JSON.stringify(facts)).not.toMatch(/1990|12345|Taro/);
  });
});

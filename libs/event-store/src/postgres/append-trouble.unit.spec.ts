import { StoreError } from '../contract.js';
import { AppendTrouble } from './append-trouble.js';

const failed = (cause?: unknown) => new StoreError('store.unavailable', 'the event store cannot be used', { cause });
const appended = { outcome: 'appended', positions: [1] } as const;

describe('AppendTrouble', () => {
  const realNow = performance.now;
  let nowMs: number;
  beforeEach(() => {
    nowMs = 5_000;
    performance.now = () => nowMs;
  });
  afterEach(() => {
    performance.now = realNow;
  });

  it('says nothing before the first append, and nothing of one that went well', () => {
    const trouble = new AppendTrouble();
    expect(trouble.now()).toBeUndefined();
    trouble.note([appended, { outcome: 'conflict', actualRevisions: {}, recordedIds: [] }]);
    expect(trouble.now()).toBeUndefined();
  });

  it.each<[string, unknown, string]>([
    ['a full disk', { code: '53100' }, 'the disk of its database is full'],
    ['a standby', { code: '25006' }, 'its database is read-only, as a standby is'],
    ['another error of the server', { code: 'XX000' }, 'its database does not answer a commit'],
    ['a code that is no text', { code: 53100 }, 'its database does not answer a commit'],
    ['a broken connection', new Error('gone'), 'its database does not answer a commit'],
    ['no cause', undefined, 'its database does not answer a commit'],
  ])('tells of %s in words of its own', (_, cause, reason) => {
    const trouble = new AppendTrouble();
    trouble.note([appended, failed(cause)]);
    expect(trouble.now()).toBe(reason);
  });

  it('a request that nobody could record is no trouble of the log', () => {
    const trouble = new AppendTrouble();
    trouble.note([new StoreError('store.invalid_request', 'no')]);
    expect(trouble.now()).toBeUndefined();
    trouble.note([new StoreError('store.invalid_request', 'no'), new StoreError('store.outcome_unknown', 'lost')]);
    expect(trouble.now()).toBe('its database does not answer a commit');
  });

  it('ends with an append that goes well, and after ten seconds', () => {
    const trouble = new AppendTrouble();
    trouble.note([failed()]);
    trouble.note([appended]);
    expect(trouble.now()).toBeUndefined();
    trouble.note([failed({ code: '53100' })]);
    nowMs += 9_999;
    expect(trouble.now()).toBe('the disk of its database is full');
    nowMs += 1;
    expect(trouble.now()).toBeUndefined();
  });
});

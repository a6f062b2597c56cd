import { StoreError } from '../contract.js';
import { failureOf, outcomeUnknown, unavailable } from './failure.js';

/** As node-postgres throws what the server said. */
const said = (code: unknown) => Object.assign(new Error('message'), { severity: 'ERROR', code });

describe('a failed statement', () => {
  it.each<[string, unknown, string]>([
    ['a unique constraint', said('23505'), 'violated'],
    ['another constraint', said('23514'), 'unavailable'],
    ['a serialization failure', said('40001'), 'retry'],
    ['a deadlock', said('40P01'), 'retry'],
    ['another rollback', said('40003'), 'unavailable'],
    ['a value that is none', said('22P02'), 'invalid'],
    ['JSON nested too deep', said('54001'), 'invalid'],
    ['an ended session', said('57P01'), 'unknown'],
    ['a cancelled statement', said('57014'), 'unavailable'],
    ['a broken connection', said('08006'), 'unknown'],
    ['a full disk', said('53100'), 'unavailable'],
    ['a text that is no SQLSTATE', said('ECONNRESET'), 'unknown'],
    ['one too long', said('235050'), 'unknown'],
    ['one behind something', said('x23505'), 'unknown'],
    ['a number', said(23505), 'unknown'],
    ['an error of the network', Object.assign(new Error('read ECONNRESET'), { code: '23505' }), 'unknown'],
    ['what is no error', { severity: 'ERROR', code: '23505' }, 'unknown'],
    ['a client that sends no more', new Error('Client has encountered an error and is not queryable'), 'unavailable'],
    ['the same words elsewhere', new Error('not queryable, it said'), 'unknown'],
    ['a text', 'Client was closed and is not queryable', 'unavailable'],
  ])('%s', (_, error, failure) => expect(failureOf(error)).toBe(failure));

  it('is told of with its cause, by its message or else by its name', () => {
    const cause = new TypeError('');
    expect(unavailable(cause)).toMatchObject({
      code: 'store.unavailable',
      message: 'the event store cannot be used: TypeError',
      cause,
    });
    const lost = outcomeUnknown(new Error('socket closed'));
    expect(lost).toBeInstanceOf(StoreError);
    expect(lost).toMatchObject({
      code: 'store.outcome_unknown',
      message: 'the answer to a commit was lost, repeat with the same ids: socket closed',
    });
    expect(lost.cause).toEqual(new Error('socket closed'));
  });
});

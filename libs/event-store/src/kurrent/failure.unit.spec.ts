import { StoreError } from '../contract.js';
import { isConflict, isNoStream, readFailure, writeFailure } from './failure.js';
import { CommandError } from './test-server.js';

/** Members of the client's ErrorType (1.3.1), by what they say of a write. */
const types = {
  conflict: ['wrong-expected-version', 'append-consistency-violation'],
  noStream: ['stream-not-found', 'no-stream'],
  refused: [
    'invalid-argument',
    'maximum-append-size-exceeded',
    'transaction-max-size-exceeded',
    'append-record-size-exceeded',
  ],
  closed: ['access-denied', 'not-leader', 'stream-deleted', 'stream-tombstoned', 'unsupported'],
  open: ['unavailable', 'deadline-exceeded', 'cancelled', 'unknown', 'timeout'],
};
const all = Object.values(types).flat();

/** What else can be thrown: none of it says anything of the write. */
const strangers: readonly unknown[] = [new Error('broken pipe'), 'text', 5, {}, { type: 7 }, undefined, null];

it('knows from the error whether another writer was first, and whether there is no stream', () => {
  expect(all.filter((type) => isConflict(new CommandError(type)))).toEqual(types.conflict);
  expect(all.filter((type) => isNoStream(new CommandError(type)))).toEqual(types.noStream);
  expect(strangers.filter((error) => isConflict(error) || isNoStream(error))).toEqual([]);
});

it('leaves the outcome of a write open unless the server says that nothing was written', () => {
  const coded = (code: string) => all.filter((type) => writeFailure(new CommandError(type)).code === code);
  expect(coded('store.invalid_request')).toEqual(types.refused);
  expect(coded('store.unavailable')).toEqual(types.closed);
  expect(coded('store.outcome_unknown')).toEqual([...types.conflict, ...types.noStream, ...types.open]);
  for (const error of strangers) expect(writeFailure(error).code).toBe('store.outcome_unknown');
});

it('takes any failure to read for an outage, but for one of the store itself', () => {
  for (const error of [...all.map((type) => new CommandError(type)), ...strangers]) {
    expect(readFailure(error)).toBeInstanceOf(StoreError);
    expect(readFailure(error).code).toBe('store.unavailable');
  }
  const own = new StoreError('store.outcome_unknown', 'cut');
  expect(readFailure(own)).toBe(own);
});

it('says what happened, in the words of the client, and keeps its error', () => {
  const said = (failure: StoreError) => [failure.message, failure.cause];
  const refused = new CommandError('invalid-argument');
  expect(said(writeFailure(refused))).toEqual(['refused: invalid-argument', refused]);
  const lost = new Error('broken pipe');
  expect(said(writeFailure(lost))).toEqual([
    'the answer to a write was lost, repeat with the same ids: broken pipe',
    lost,
  ]);
  expect(said(readFailure(lost))).toEqual(['the event store cannot be used: broken pipe', lost]);
  const silent = new RangeError();
  expect(said(readFailure(silent))).toEqual(['the event store cannot be used: RangeError', silent]);
  expect(said(readFailure('text'))).toEqual(['the event store cannot be used: text', 'text']);
});

import { placeOf } from './stream-place.js';

it.each([
  ['an account by its person', 'account-person', { key: 'person' }],
  ['a lease in the log that its name says', 'fundLease-7+lease', { log: 7 }],
  ['a lease that says no log in log 0', 'fundLease-lease', { log: 0 }],
  ['a fund in log 0', 'fund-fund', { log: 0 }],
  ['a stream that only ends like an account in log 0', 'proposal-account-', { log: 0 }],
])('places %s', (_, stream, place) => {
  expect(placeOf(stream)).toEqual(place);
});

import { trailOf } from './claim-trail.js';

const lots = (...ids: string[]) =>
  ids.map((lotId) => ({ lotId, fundId: `fund of ${lotId}`, ownerId: 'o', points: 10 }));
const events = [
  { type: 'PointsGranted', data: { claimId: 'other', lotId: 'lot of other', fundId: 'f', amountPoints: 10 } },
  { type: 'GrantRefused', data: { claimId: 'mine', reasonCode: 'fund_exhausted' } },
  { type: 'PointsGranted', data: { claimId: 'mine', lotId: 'lot', fundId: 'f', ownerId: 'o', amountPoints: 10 } },
  { type: 'PointsHeld', data: { exchangeId: 'x', points: 20, lots: lots('lot', 'lot of other') } },
  { type: 'HoldReleased', data: { exchangeId: 'y', points: 10, lots: lots('lot') } },
  { type: 'PointsHeld', data: { exchangeId: 'z', points: 10, lots: lots('lot of other') } },
  { type: 'SomethingNew', data: { parts: [{ of: { lot: 'lot' } }] } },
];

it('is every event that names the claim or its lot, whatever its type', () => {
  expect(
    trailOf('mine', events).map(({ event }) =>
      events.findIndex(({ type, data }) => type === event.type && sameSubject(data, event.data)),
    ),
  ).toEqual([1, 2, 3, 4, 6]);
});

it('leaves out parts of other lots, and the total with them', () => {
  const [, , held, released] = trailOf('mine', events);
  expect(held?.event.data).toEqual({ exchangeId: 'x', lots: lots('lot') });
  expect(held?.postings).toMatchObject([{ debitAccount: 'fund:fund of lot:available', points: 10 }]);
  expect(released?.event.data).toEqual({ exchangeId: 'y', points: 10, lots: lots('lot') });
});

it('is the refusals alone where nothing was granted, and nothing for a claim that the account does not know', () => {
  expect(trailOf('mine', events.slice(0, 2)).map(({ event }) => event.type)).toEqual(['GrantRefused']);
  expect(trailOf('nobody', events)).toEqual([]);
});

it('passes over events whose data say nothing, as a whole or in part', () => {
  const silent = [
    { type: 'PointsGranted', data: null },
    { type: 'SomethingNew', data: { of: null, count: 3 } },
  ];
  expect(trailOf('mine', [...silent, ...events])).toEqual(trailOf('mine', events));
});

function sameSubject(a: object, b: unknown): boolean {
  const [x, y] = [a, b] as { claimId?: string; exchangeId?: string }[];
  return x?.claimId === y?.claimId && x?.exchangeId === y?.exchangeId;
}

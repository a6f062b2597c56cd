import {
  contentHolder,
  contentStream,
  evolveList,
  foldList,
  isAtRest,
  type ListEvent,
  type ListGrant,
  lastRowReached,
  listStream,
} from './list-grant.js';

const listId = 'c7';
const anna = { listId, by: 'anna' };
const ben = { listId, by: 'ben' };
const facts = { ...anna, ownerId: 'demo', name: 'x', campaignId: 'c', measureId: 'm', programmeId: 'default' };
const registered: ListEvent = { type: 'ListRegistered', data: { ...facts, dryRun: false, amountPointsMax: 10 } };
const file = { ...anna, uploadId: 'u', fileHash: 'h', format: 'csv', bytes: 1 } as const;
const uploaded: ListEvent = { type: 'ListUploaded', data: file };
const content = { listId, uploadId: 'u', contentHash: 'h', rowCount: 100, amountPoints: 100 };
const validated: ListEvent = { type: 'ListValidated', data: content };
const mistakes = { listId, uploadId: 'u', fileProblem: null, rowCount: 100, problemCount: 3 };
const foundInvalid: ListEvent = { type: 'ListFoundInvalid', data: mistakes };
const release = {
  ...anna,
  fundId: 'f',
  dryRun: false,
  stageEnds: [1, 11, 100],
  embargoHours: 24,
  pointsExpireAt: null,
  pointsExpireAfterMonths: null,
};
const proposed: ListEvent = { type: 'ListReleaseProposed', data: release };
const started = (stage: number, attempt = 1): ListEvent => ({
  type: 'ListStageStarted',
  data: { ...anna, stage, attempt },
});
const advanced = (stage: number, throughRow: number): ListEvent => ({
  type: 'ListStageAdvanced',
  data: { listId, stage, attempt: 1, throughRow },
});
const granted = (stage: number): ListEvent => ({ type: 'ListStageGranted', data: { listId, stage, attempt: 1 } });
const approved: readonly ListEvent[] = [
  registered,
  uploaded,
  validated,
  proposed,
  { type: 'ListReleaseApproved', data: ben },
];
const allGranted = [1, 2, 3].flatMap((stage) => [started(stage), granted(stage)]);
const paused: ListEvent = { type: 'ListPaused', data: ben };
const recallProposed: ListEvent = { type: 'ListRecallProposed', data: { ...anna, reasonPattern: 'wrong_list' } };
const recallApproved: ListEvent = { type: 'ListRecallApproved', data: ben };

function fold(...events: readonly ListEvent[]): ListGrant {
  const list = foldList(events);
  if (!list) throw new Error('a list of the spec is registered');
  return list;
}

it('a list and its content have streams of their own, and nothing happens to a list that was never registered', () => {
  expect(listStream('c7')).toBe('listGrant-c7');
  expect(contentStream('key')).toBe('listContent-key');
  expect(foldList([])).toBeUndefined();
  expect(() => evolveList(undefined, paused)).toThrow('ListPaused on a list that was never registered');
});

describe('the file of a list', () => {
  it('is not there when the list is registered', () => {
    expect(fold(registered)).toEqual({
      ...registered.data,
      state: 'registered',
      stages: [],
      throughRow: 0,
      paused: false,
    });
  });

  it.each<[string, readonly ListEvent[], Partial<ListGrant>]>([
    ['is validated', [uploaded], { state: 'validating', upload: file }],
    ['may be found good', [uploaded, validated], { state: 'validated', content }],
    ['may be found to have mistakes', [uploaded, foundInvalid], { state: 'invalid', invalid: mistakes }],
    [
      'may come again, and the mistakes of the last one are forgotten',
      [uploaded, foundInvalid, uploaded],
      { state: 'validating', invalid: undefined },
    ],
    [
      'may have the content of an earlier list',
      [uploaded, { type: 'ListFoundRepeated', data: { listId, uploadId: 'u', contentHash: 'h', earlierListId: 'c6' } }],
      { state: 'repeated', earlierListId: 'c6' },
    ],
    [
      'stays known when the list is put away',
      [uploaded, validated, { type: 'ListDiscarded', data: anna }],
      { state: 'discarded', content },
    ],
  ])('%s', (_, events, expected) => {
    expect(fold(registered, ...events)).toMatchObject(expected);
  });
});

describe('the stages of a list', () => {
  it('each begin after the one before, and wait', () => {
    const waiting = { state: 'waiting', attempt: 0, startedBy: null };
    expect(fold(registered, uploaded, validated, proposed).stages).toEqual([
      { stage: 1, firstRow: 1, lastRow: 1, ...waiting },
      { stage: 2, firstRow: 2, lastRow: 11, ...waiting },
      { stage: 3, firstRow: 12, lastRow: 100, ...waiting },
    ]);
  });

  it('are gone through row by row, each start from the first', () => {
    const running = fold(...approved, started(1), granted(1), started(2), advanced(2, 7));
    expect(running).toMatchObject({ state: 'approved', throughRow: 7 });
    expect(running.stages.map(({ state }) => state)).toEqual(['granted', 'running', 'waiting']);
    expect(evolveList(running, started(2, 2))).toMatchObject({ throughRow: 0, stages: [{}, { attempt: 2 }, {}] });
  });

  it('make the list granted once the last of them is, until one is started again', () => {
    expect(fold(...approved, ...allGranted.slice(0, 4)).state).toBe('approved');
    expect(fold(...approved, ...allGranted)).toMatchObject({
      state: 'granted',
      stages: [{}, { startedBy: 'anna' }, {}],
    });
    expect(fold(...approved, ...allGranted, started(1, 2)).state).toBe('approved');
  });

  it.each<[number, readonly ListEvent[]]>([
    [0, [registered]],
    [0, approved],
    [1, [...approved, started(1)]],
    [11, [...approved, started(1), granted(1), started(2), advanced(2, 7)]],
    [11, [...approved, started(1), granted(1), started(2), granted(2), started(1, 2)]],
  ])('reach row %d at most', (row, events) => {
    expect(lastRowReached(fold(...events))).toBe(row);
  });
});

describe('a recall', () => {
  it('stops the list, is approved by a second person, goes through its rows and ends', () => {
    const proposal = fold(...approved, started(1), recallProposed);
    const recall = { reasonPattern: 'wrong_list', proposedBy: 'anna', approvedBy: null, throughRow: 0 };
    expect(proposal).toMatchObject({ state: 'approved', paused: true, recall });
    const recalling = evolveList(proposal, recallApproved);
    expect(recalling).toMatchObject({ state: 'recalling', recall: { ...recall, approvedBy: 'ben' } });
    const further = evolveList(recalling, { type: 'ListRecallAdvanced', data: { listId, throughRow: 1_000 } });
    expect(further).toEqual({ ...recalling, recall: { ...recall, approvedBy: 'ben', throughRow: 1_000 } });
    expect(evolveList(further, { type: 'ListRecalled', data: { listId } })).toEqual({ ...further, state: 'recalled' });
  });

  it('is off when the list is resumed', () => {
    const resumed = fold(...approved, started(1), recallProposed, { type: 'ListResumed', data: anna });
    expect(resumed).toEqual(fold(...approved, started(1)));
  });

  it('is approved only where somebody proposed it', () => {
    expect(() => fold(...approved, recallApproved)).toThrow('a recall of list c7 that nobody proposed');
  });
});

it.each<[boolean, string, readonly ListEvent[]]>([
  [true, 'has no file', [registered]],
  [false, 'has a file to be validated', [registered, uploaded]],
  [true, 'has mistakes', [registered, uploaded, foundInvalid]],
  [true, 'waits for its first stage', approved],
  [false, 'has a stage to grant', [...approved, started(1)]],
  [true, 'is paused', [...approved, started(1), paused]],
  [true, 'waits for its next stage', [...approved, started(1), granted(1)]],
  [false, 'has grants to take back, though it is paused', [...approved, started(1), recallProposed, recallApproved]],
])('it is %s that a list is at rest which %s', (rests, _, events) => {
  expect(isAtRest(fold(...events))).toBe(rests);
});

it('a content is held by the list that reserved it last, until it is freed', () => {
  const reserved = (by: string) => ({ type: 'ListContentReserved', data: { listId: by } });
  const freed = { type: 'ListContentFreed', data: { listId: 'a' } };
  expect(contentHolder([])).toBeUndefined();
  expect(contentHolder([reserved('a')])).toBe('a');
  expect(contentHolder([reserved('a'), freed])).toBeUndefined();
  expect(contentHolder([reserved('a'), freed, reserved('b')])).toBe('b');
});

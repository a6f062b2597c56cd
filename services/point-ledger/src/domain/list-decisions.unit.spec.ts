import fc from 'fast-check';
import {
  decideApproval,
  decideDiscard,
  decidePause,
  decideProposal,
  decideRecall,
  decideRecallApproval,
  decideResume,
  decideStageStart,
  decideUpload,
  stageEndsOf,
} from './list-decisions.js';
import {
  evolveList,
  foldList,
  type ListEvent,
  type ListGrant,
  type ListUploaded,
  lastRowReached,
  runningStage,
} from './list-grant.js';

const listId = '019ab3f0-6c00-8000-8000-0000000000c7';
const fund = { fundId: 'f', ownerId: 'demo', dryRun: false };
const facts = { listId, ownerId: 'demo', name: 'x', campaignId: 'c', measureId: 'm', programmeId: 'default' };
const sums = { persons: 0, points: 0 };
const compared: ListEvent & { type: 'ListCompared' } = {
  type: 'ListCompared',
  data: {
    listId,
    comparisonId: 'k',
    fundId: 'f',
    months: 12,
    position: 1,
    fresh: sums,
    sameMeasure: sums,
    otherList: sums,
    pastByFund: [],
    fund: { undrawnPoints: 0, neededPoints: 0 },
    by: 'anna',
  },
};
const file: ListUploaded = { listId, uploadId: 'u', fileHash: 'h', format: 'csv', bytes: 1, by: 'carla' };
const validated: readonly ListEvent[] = [
  { type: 'ListRegistered', data: { ...facts, dryRun: false, amountPointsMax: 10, by: 'anna' } },
  { type: 'ListUploaded', data: file },
  { type: 'ListValidated', data: { listId, uploadId: 'u', contentHash: 'h', rowCount: 100, amountPoints: 100 } },
  compared,
];
const wanted = { fundId: 'f', embargoHours: 24, pointsExpireAt: null, pointsExpireAfterMonths: null };

type Decided = ReturnType<typeof decideApproval>;
const codeOf = (decided: Decided) => (decided.ok ? decided.value.map(({ type }) => type).join() : decided.refusal.code);

function fold(events: readonly ListEvent[]): ListGrant {
  const list = foldList(events);
  if (!list) throw new Error('a list of the spec is registered');
  return list;
}
function after(list: ListGrant, decided: Decided): ListGrant {
  if (!decided.ok) throw new Error(decided.refusal.code);
  return decided.value.reduce<ListGrant>(evolveList, list);
}
const proposed = (percents: readonly number[] = []) => {
  const list = fold(validated);
  return after(list, decideProposal(list, { ...wanted, stagePercents: percents }, fund, 'dora'));
};
const approved = (percents: readonly number[] = []) => {
  const list = proposed(percents);
  return after(list, decideApproval(list, 'ben'));
};

describe('the stages of a release', () => {
  it.each([
    [100, [], [100]],
    [100, [1, 10], [1, 11, 100]],
    [1, [1, 10], [1]],
    [3, [1, 1, 1, 1], [1, 2, 3]],
    [1_000_000, [0.01, 1, 10], [100, 10_100, 110_100, 1_000_000]],
    [10, [100], [10]],
    [10, [60, 60], [6, 10]],
  ])('of %d rows with %j percent end at %j', (rows, percents, ends) => {
    expect(stageEndsOf(rows, percents)).toEqual(ends);
  });

  it('leave no row out and count none twice', () => {
    const percent = fc.double({ min: 0.01, max: 100, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.array(percent, { maxLength: 10 }), (rows, percents) => {
        const ends = stageEndsOf(rows, percents);
        expect(ends.at(-1)).toBe(rows);
        expect(ends.every((end, index) => end > (ends[index - 1] ?? 0))).toBe(true);
      }),
    );
  });
});

describe('two people', () => {
  it.each(['anna', 'carla', 'dora'])('%s, who had a hand in it, may not approve', (name) => {
    expect(codeOf(decideApproval(proposed(), name))).toBe('point_ledger.second_person_required');
  });

  it('somebody else may, once', () => {
    expect(codeOf(decideApproval(proposed(), 'ben'))).toBe('ListReleaseApproved');
    expect(codeOf(decideApproval(approved(), 'ben'))).toBe('');
    expect(codeOf(decideApproval(approved(), 'emil'))).toBe('point_ledger.list_wrong_state');
  });

  it('the second person sees the comparison with the fund that is to pay, else compares again first', () => {
    const withAnother: ListEvent = { ...compared, data: { ...compared.data, comparisonId: 'l', fundId: 'another' } };
    const comparedWithAnother = evolveList(proposed(), withAnother);
    expect(codeOf(decideApproval(comparedWithAnother, 'ben'))).toBe('point_ledger.list_not_compared');
    expect(codeOf(decideApproval(evolveList(comparedWithAnother, compared), 'ben'))).toBe('ListReleaseApproved');
  });

  it('a recall is approved by another person than who proposed it', () => {
    const list = after(approved(), decideRecall(approved(), 'wrong_list', 'anna'));
    expect(list.paused).toBe(true);
    expect(codeOf(decideRecallApproval(list, 'anna'))).toBe('point_ledger.second_person_required');
    const recalling = after(list, decideRecallApproval(list, 'ben'));
    expect(recalling.state).toBe('recalling');
    expect(codeOf(decideRecallApproval(recalling, 'ben'))).toBe('');
    expect(codeOf(decideResume(recalling, 'anna'))).toBe('point_ledger.list_wrong_state');
  });
});

describe('a release', () => {
  const propose = (events: readonly ListEvent[], by: typeof fund | null = fund) =>
    codeOf(decideProposal(fold(events), { ...wanted, stagePercents: [] }, by ?? undefined, 'anna'));

  it('needs a validated list, a comparison with its fund, and a fund of the same owner and kind', () => {
    expect(propose(validated)).toBe('ListReleaseProposed');
    expect(propose(validated.slice(0, 2))).toBe('point_ledger.list_wrong_state');
    expect(propose(validated.slice(0, 3))).toBe('point_ledger.list_not_compared');
    expect(propose(validated, { ...fund, fundId: 'g' })).toBe('point_ledger.list_not_compared');
    expect(propose(validated, null)).toBe('point_ledger.list_fund_mismatch');
    expect(propose(validated, { ...fund, ownerId: 'shibuya' })).toBe('point_ledger.list_fund_mismatch');
    expect(propose(validated, { ...fund, dryRun: true })).toBe('point_ledger.list_fund_mismatch');
  });

  it('may be proposed anew until it is approved, and says what the fund, the stages and the embargo are', () => {
    const anew = decideProposal(proposed(), { ...wanted, stagePercents: [10] }, fund, 'anna');
    const data = { listId, ...wanted, dryRun: false, stageEnds: [10, 100], by: 'anna' };
    expect(anew).toEqual({ ok: true, value: [{ type: 'ListReleaseProposed', data }] });
  });
});

describe('a stage', () => {
  const start = (list: ListGrant, stage: number, undrawn = 100) => decideStageStart(list, stage, 50, undrawn, 'anna');

  it('follows the one before it, while the fund reaches and nothing is paused', () => {
    const list = approved([10]);
    expect(codeOf(start(list, 2))).toBe('point_ledger.list_wrong_state');
    expect(codeOf(start(list, 3))).toBe('point_ledger.list_wrong_state');
    expect(start(list, 1, 49)).toEqual({
      ok: false,
      refusal: {
        code: 'point_ledger.list_fund_short',
        extensions: { neededPoints: 50, undrawnPoints: 49 },
      },
    });
    expect(codeOf(start(list, 1, 50))).toBe('ListStageStarted');
    const paused = after(list, decidePause(list, 'ben'));
    expect(codeOf(start(paused, 1))).toBe('point_ledger.list_wrong_state');
    expect(codeOf(start(after(paused, decideResume(paused, 'anna')), 1))).toBe('ListStageStarted');
    expect(codeOf(start(proposed([10]), 1))).toBe('point_ledger.list_wrong_state');
  });

  it('started again is another attempt, and what a recall goes through is all that was ever started', () => {
    const running = after(approved([10]), start(approved([10]), 1));
    expect(codeOf(start(running, 1))).toBe('');
    expect(runningStage(running)?.attempt).toBe(1);
    const done = evolveList(running, { type: 'ListStageGranted', data: { listId, stage: 1, attempt: 1 } });
    const again = after(done, start(done, 1));
    expect(runningStage(again)).toMatchObject({ attempt: 2, lastRow: 10 });
    expect(lastRowReached(again)).toBe(10);
    expect(codeOf(decideDiscard(again, 'anna'))).toBe('point_ledger.list_wrong_state');
    expect(codeOf(decideDiscard(approved(), 'anna'))).toBe('ListDiscarded');
  });
});

const otherFile = { ...file, uploadId: 'v', fileHash: 'other' };
const registered = () => fold(validated.slice(0, 1));
const validating = () => fold(validated.slice(0, 2));
const mistakes = { listId, uploadId: 'u', fileProblem: null, rowCount: 1, problemCount: 1 };
const invalid = () => evolveList(validating(), { type: 'ListFoundInvalid', data: mistakes });
const ready = () => fold(validated);
const started = (list: ListGrant, stage: number) => after(list, decideStageStart(list, stage, 1, 1, 'anna'));
const ended = (list: ListGrant, stage: number) =>
  evolveList(list, { type: 'ListStageGranted', data: { listId, stage, attempt: 1 } });
const firstGranted = () => ended(started(approved([10]), 1), 1);
const secondStarted = () => started(firstGranted(), 2);
const granted = () => ended(secondStarted(), 2);
const paused = () => after(approved(), decidePause(approved(), 'ben'));
const discarded = (list = approved()) => after(list, decideDiscard(list, 'anna'));
const recallProposed = () => after(approved(), decideRecall(approved(), 'wrong_list', 'anna'));
const recalling = () => after(recallProposed(), decideRecallApproval(recallProposed(), 'ben'));
const recalled = () => evolveList(recalling(), { type: 'ListRecalled', data: { listId } });
type Act = (list: ListGrant) => Decided;
/** Made in the test that needs it. */
type Made = () => ListGrant;

describe('a file', () => {
  it.each([
    ['has none yet', registered, otherFile],
    ['had one with mistakes', invalid, otherFile],
    ['had the same one, with mistakes', invalid, file],
    ['is being validated', validating, otherFile],
    ['is being validated with the same one, for its process may have ended', validating, file],
  ])('is taken by a list that %s', (_, made, upload) => {
    expect(decideUpload(made(), upload)).toEqual({ ok: true, value: [{ type: 'ListUploaded', data: upload }] });
  });
});

describe('an act on a list', () => {
  const propose: Act = (list) => decideProposal(list, { ...wanted, stagePercents: [] }, fund, 'anna');
  const approve = (by: string) => (list: ListGrant) => decideApproval(list, by);
  const start = (stage: number) => (list: ListGrant) => decideStageStart(list, stage, 0, 0, 'anna');
  const pause: Act = (list) => decidePause(list, 'ben');
  const resume: Act = (list) => decideResume(list, 'anna');
  const recall: Act = (list) => decideRecall(list, 'wrong_list', 'anna');
  const approveRecall: Act = (list) => decideRecallApproval(list, 'ben');
  const discard: Act = (list) => decideDiscard(list, 'anna');

  it.each<[string, Made, Act]>([
    ['A list takes one good file.', ready, (list) => decideUpload(list, otherFile)],
    ['Only a validated list is released.', validating, propose],
    ['Only a validated list is released.', () => approved(), propose],
    ['There is no release to approve.', ready, approve('anna')],
    ['There is no release to approve.', () => approved(), approve('emil')],
    ['There is no release to approve.', () => discarded(), approve('ben')],
    ['The release is not approved.', () => proposed(), start(1)],
    ['The release is not approved.', granted, start(3)],
    ['The list is paused.', paused, start(1)],
    ['Another stage is running.', secondStarted, start(1)],
    ['An earlier stage is not granted yet.', () => approved([10]), start(2)],
    ['Nothing of this list is being granted.', () => proposed(), pause],
    ['This list is not paused.', recalling, resume],
    ['Nothing of this list was granted.', () => proposed(), recall],
    ['No recall was proposed.', () => approved(), approveRecall],
    ['No recall was proposed.', () => discarded(recallProposed()), approveRecall],
    ['A stage of it was started: recall it.', firstGranted, discard],
    ['A stage of it was started: recall it.', recalling, discard],
    ['A stage of it was started: recall it.', recalled, discard],
  ])('is refused in a state that does not allow it: %s', (detail, made, decide) => {
    const list = made();
    const extensions = { state: list.state, paused: list.paused };
    const refusal = { code: 'point_ledger.list_wrong_state', detail, extensions };
    expect(decide(list)).toEqual({ ok: false, refusal });
  });

  it.each<[string, Made, Act]>([
    ['the file', ready, (list) => decideUpload(list, file)],
    ['the approval', () => approved(), approve('ben')],
    ['the start of a stage', secondStarted, start(2)],
    ['a pause', paused, pause],
    ['a resume', () => approved(), resume],
    ['a recall', recallProposed, recall],
    ['the approval of a recall', recalling, approveRecall],
    ['a discard', () => discarded(), discard],
  ])('changes nothing when it is done again: %s', (_, made, decide) => {
    expect(decide(made())).toEqual({ ok: true, value: [] });
  });

  it('is possible on a granted list, which may be started again, paused, resumed and recalled', () => {
    expect(codeOf(start(1)(granted()))).toBe('ListStageStarted');
    expect(codeOf(pause(granted()))).toBe('ListPaused');
    expect(codeOf(resume(after(granted(), pause(granted()))))).toBe('ListResumed');
    expect(codeOf(recall(granted()))).toBe('ListRecallProposed');
  });

  it('is another recall when it is proposed by another person or for another reason', () => {
    expect(codeOf(decideRecall(recallProposed(), 'wrong_list', 'ben'))).toBe('ListRecallProposed');
    expect(codeOf(decideRecall(recallProposed(), 'wrong_amount', 'anna'))).toBe('ListRecallProposed');
  });
});

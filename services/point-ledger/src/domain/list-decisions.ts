import { ok, type Result, refuse } from '@tsunagu/kernel';
import {
  type ListAct,
  type ListEvent,
  type ListGrant,
  type ListRelease,
  type ListState,
  type ListUploaded,
  runningStage,
} from './list-grant.js';

/** What people may do with a list, each decided on its folded stream. Doing again what is done changes nothing. */

type Decision = Result<
  readonly ListEvent[],
  | 'point_ledger.list_wrong_state'
  | 'point_ledger.second_person_required'
  | 'point_ledger.list_not_compared'
  | 'point_ledger.list_fund_mismatch'
  | 'point_ledger.list_fund_short'
>;

/** Stages that a release may name besides the rest. */
export const stagesMax = 10;

/** A file for a list that has none yet, or whose last one was no good. */
export function decideUpload(list: ListGrant, upload: ListUploaded): Decision {
  if (list.upload?.fileHash === upload.fileHash && list.state !== 'invalid' && list.state !== 'validating')
    return ok([]);
  if (!isIn(list, 'registered', 'invalid', 'validating')) return wrongState(list, 'A list takes one good file.');
  return ok([{ type: 'ListUploaded', data: upload }]);
}

export interface FundForList {
  readonly fundId: string;
  readonly ownerId: string;
  readonly dryRun: boolean;
}

/** A release names the fund that the list was compared with last, so that whoever approves it sees what it would do. */
export function decideProposal(
  list: ListGrant,
  wanted: Omit<ListRelease, 'stageEnds' | 'dryRun'> & { readonly stagePercents: readonly number[] },
  fund: FundForList | undefined,
  by: string,
): Decision {
  if (!list.content || !isIn(list, 'validated', 'proposed'))
    return wrongState(list, 'Only a validated list is released.');
  if (fund?.ownerId !== list.ownerId || fund.dryRun !== list.dryRun) return refuse('point_ledger.list_fund_mismatch');
  if (list.comparison?.fundId !== fund.fundId) return refuse('point_ledger.list_not_compared');
  const { stagePercents, ...release } = wanted;
  const stageEnds = stageEndsOf(list.content.rowCount, stagePercents);
  const data = { listId: list.listId, ...release, dryRun: fund.dryRun, stageEnds, by };
  return ok([{ type: 'ListReleaseProposed', data }]);
}

/** Neither who brought the list nor who proposed its release may approve it, and what is seen last must be of the release's fund. */
export function decideApproval(list: ListGrant, by: string): Decision {
  if (!list.release) return wrongState(list, 'There is no release to approve.');
  if ([list.by, list.upload?.by, list.release.by].includes(by)) return refuse('point_ledger.second_person_required');
  if (list.approvedBy === by && list.state === 'approved') return ok([]);
  if (list.state !== 'proposed') return wrongState(list, 'There is no release to approve.');
  if (list.comparison?.fundId !== list.release.fundId) return refuse('point_ledger.list_not_compared');
  return ok([{ type: 'ListReleaseApproved', data: act(list, by) }]);
}

/**
 * Stages are started one after the other, each by a person who looked at the one before. A stage that is granted may be
 * started again: those whom the fund could not pay get another attempt, nobody else.
 */
export function decideStageStart(
  list: ListGrant,
  stage: number,
  neededPoints: number,
  undrawnPoints: number,
  by: string,
): Decision {
  const wanted = list.stages.find((known) => known.stage === stage);
  if (!wanted || !isIn(list, 'approved', 'granted')) return wrongState(list, 'The release is not approved.');
  if (list.paused) return wrongState(list, 'The list is paused.');
  if (wanted.state === 'running') return ok([]);
  if (runningStage(list)) return wrongState(list, 'Another stage is running.');
  if (list.stages.some((known) => known.stage < stage && known.state !== 'granted')) {
    return wrongState(list, 'An earlier stage is not granted yet.');
  }
  if (neededPoints > undrawnPoints) {
    return refuse('point_ledger.list_fund_short', { extensions: { neededPoints, undrawnPoints } });
  }
  const data = { ...act(list, by), stage, attempt: wanted.attempt + 1 };
  return ok([{ type: 'ListStageStarted', data }]);
}

export function decidePause(list: ListGrant, by: string): Decision {
  if (list.paused) return ok([]);
  if (!isIn(list, 'approved', 'granted')) return wrongState(list, 'Nothing of this list is being granted.');
  return ok([{ type: 'ListPaused', data: act(list, by) }]);
}

/** Goes on exactly where it stopped. A recall that nobody has approved is off with it. */
export function decideResume(list: ListGrant, by: string): Decision {
  if (!isIn(list, 'approved', 'granted')) return wrongState(list, 'This list is not paused.');
  return ok(list.paused ? [{ type: 'ListResumed', data: act(list, by) }] : []);
}

/** Stops the list at once, by one person; what is granted is taken back when a second one approves. */
export function decideRecall(list: ListGrant, reasonPattern: string, by: string): Decision {
  if (!isIn(list, 'approved', 'granted')) return wrongState(list, 'Nothing of this list was granted.');
  if (list.recall?.proposedBy === by && list.recall.reasonPattern === reasonPattern) return ok([]);
  return ok([{ type: 'ListRecallProposed', data: { ...act(list, by), reasonPattern } }]);
}

export function decideRecallApproval(list: ListGrant, by: string): Decision {
  // Nothing of a discarded list was granted, and its content may be another list's by now.
  if (!list.recall || list.state === 'discarded') return wrongState(list, 'No recall was proposed.');
  if (list.recall.proposedBy === by) return refuse('point_ledger.second_person_required');
  if (list.recall.approvedBy !== null) return ok([]);
  return ok([{ type: 'ListRecallApproved', data: act(list, by) }]);
}

/** A list of which nothing was granted can be put away; its content may then be brought again. */
export function decideDiscard(list: ListGrant, by: string): Decision {
  if (list.state === 'discarded') return ok([]);
  const untouched = list.stages.every(({ attempt }) => attempt === 0);
  if (isIn(list, 'recalling', 'recalled') || !untouched)
    return wrongState(list, 'A stage of it was started: recall it.');
  return ok([{ type: 'ListDiscarded', data: act(list, by) }]);
}

/** The last row of each stage: at least one row each while there are any, the rest in the last. */
export function stageEndsOf(rowCount: number, percents: readonly number[]): readonly number[] {
  const ends: number[] = [];
  let end = 0;
  for (const percent of percents) {
    end = Math.min(rowCount, end + Math.max(1, Math.floor((rowCount * percent) / 100)));
    if (end > (ends.at(-1) ?? 0)) ends.push(end);
  }
  if (end < rowCount) ends.push(rowCount);
  return ends;
}

function act(list: ListGrant, by: string): ListAct {
  return { listId: list.listId, by };
}

function isIn(list: ListGrant, ...states: readonly ListState[]): boolean {
  return states.includes(list.state);
}

function wrongState(list: ListGrant, detail: string) {
  return refuse('point_ledger.list_wrong_state', { detail, extensions: { state: list.state, paused: list.paused } });
}

import { type ListGrant, runningStage } from '../domain/list-grant.js';
import type { RowProblem } from '../domain/list-rows.js';

/** A list as staff see it. */
export function listAnswer(list: ListGrant) {
  const { listId, name, campaignId, measureId, dryRun, amountPointsMax, state, paused } = list;
  return {
    listId,
    name,
    campaignId,
    measureId,
    dryRun,
    amountPointsMax,
    state,
    ...(list.stages.length > 0 ? { paused } : {}),
    registeredBy: list.by,
    ...(list.upload ? { upload: uploadAnswer(list) } : {}),
    ...(list.earlierListId ? { earlierListId: list.earlierListId } : {}),
    ...(list.comparison ? { comparison: comparisonAnswer(list.comparison) } : {}),
    ...(list.release ? { release: releaseAnswer(list, list.release) } : {}),
    ...(list.recall ? { recall: recallAnswer(list.recall) } : {}),
  };
}

export function problemAnswer({ line, column, code, otherLine }: RowProblem) {
  return { line, column, code, ...(otherLine === null ? {} : { otherLine }) };
}

function uploadAnswer({ upload, content, invalid }: ListGrant) {
  const file = { format: upload?.format, bytes: upload?.bytes, sha256: upload?.fileHash, by: upload?.by };
  if (content) {
    const { contentHash, rowCount, amountPoints } = content;
    return { ...file, contentHash, rowCount, amountPoints };
  }
  if (!invalid) return file;
  const { rowCount, problemCount, fileProblem } = invalid;
  return { ...file, rowCount, problemCount, ...(fileProblem ? { fileProblem } : {}) };
}

function comparisonAnswer(comparison: NonNullable<ListGrant['comparison']>) {
  const { listId: _, fund, fundId, ...rest } = comparison;
  return { ...rest, fund: { fundId, ...fund, reaches: fund.undrawnPoints >= fund.neededPoints } };
}

function releaseAnswer(list: ListGrant, release: NonNullable<ListGrant['release']>) {
  const { fundId, embargoHours, pointsExpireAt, pointsExpireAfterMonths, by } = release;
  const running = runningStage(list);
  return {
    fundId,
    embargoHours,
    pointsExpireAt,
    pointsExpireAfterMonths,
    proposedBy: by,
    ...(list.approvedBy ? { approvedBy: list.approvedBy } : {}),
    stages: list.stages.map((stage) => ({
      ...stage,
      ...(stage === running ? { throughRow: Math.max(list.throughRow, stage.firstRow - 1) } : {}),
    })),
  };
}

function recallAnswer({ reasonPattern, proposedBy, approvedBy, throughRow }: NonNullable<ListGrant['recall']>) {
  return { reasonPattern, proposedBy, ...(approvedBy ? { approvedBy, throughRow } : {}) };
}

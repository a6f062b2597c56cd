/**
 * A list of people to be granted points without a claim of their own, from its registration to its end. The rows are an
 * input and lie in a table; the stream `listGrant-<listId>` says what was decided on them, by whom, and how far it got.
 */
export type ListEvent =
  | { readonly type: 'ListRegistered'; readonly data: ListFacts }
  | { readonly type: 'ListUploaded'; readonly data: ListUploaded }
  | { readonly type: 'ListValidated'; readonly data: ListValidated }
  | { readonly type: 'ListFoundInvalid'; readonly data: ListFoundInvalid }
  | { readonly type: 'ListFoundRepeated'; readonly data: ListFoundRepeated }
  | { readonly type: 'ListCompared'; readonly data: ListComparison }
  | {
      readonly type: 'ListReleaseProposed';
      readonly data: ListRelease & { readonly listId: string; readonly by: string };
    }
  | { readonly type: 'ListReleaseApproved'; readonly data: ListAct }
  | { readonly type: 'ListStageStarted'; readonly data: ListAct & { readonly stage: number; readonly attempt: number } }
  | { readonly type: 'ListStageAdvanced'; readonly data: ListStep & { readonly throughRow: number } }
  | { readonly type: 'ListStageGranted'; readonly data: ListStep }
  | { readonly type: 'ListPaused'; readonly data: ListAct }
  | { readonly type: 'ListResumed'; readonly data: ListAct }
  | { readonly type: 'ListRecallProposed'; readonly data: ListAct & { readonly reasonPattern: string } }
  | { readonly type: 'ListRecallApproved'; readonly data: ListAct }
  | { readonly type: 'ListRecallAdvanced'; readonly data: { readonly listId: string; readonly throughRow: number } }
  | { readonly type: 'ListRecalled'; readonly data: { readonly listId: string } }
  | { readonly type: 'ListDiscarded'; readonly data: ListAct };

/** What a person did: `by` is the token's subject, against which the second person is told apart. */
export interface ListAct {
  readonly listId: string;
  readonly by: string;
}

export interface ListStep {
  readonly listId: string;
  readonly stage: number;
  readonly attempt: number;
}

export interface ListFacts {
  readonly listId: string;
  readonly ownerId: string;
  readonly name: string;
  readonly campaignId: string;
  readonly measureId: string;
  readonly programmeId: string;
  /** Of the campaign that the measure belongs to. */
  readonly dryRun: boolean;
  /** A row of more points is a mistake. */
  readonly amountPointsMax: number;
  readonly by: string;
}

export interface ListUploaded {
  readonly listId: string;
  readonly uploadId: string;
  /** SHA-256 of the bytes: the same file sent again is recognised without reading it. */
  readonly fileHash: string;
  readonly format: 'csv' | 'xlsx';
  readonly bytes: number;
  readonly by: string;
}

export interface ListValidated {
  readonly listId: string;
  readonly uploadId: string;
  /** SHA-256 of the canonical rows. */
  readonly contentHash: string;
  readonly rowCount: number;
  readonly amountPoints: number;
}

export interface ListFoundInvalid {
  readonly listId: string;
  readonly uploadId: string;
  /** Why the whole file was refused; null where its lines have problems. */
  readonly fileProblem: { readonly code: string; readonly detail: string } | null;
  readonly rowCount: number;
  readonly problemCount: number;
}

export interface ListFoundRepeated {
  readonly listId: string;
  readonly uploadId: string;
  readonly contentHash: string;
  readonly earlierListId: string;
}

/** A list held against what was granted before, as of a position of the log. */
export interface ListComparison {
  readonly listId: string;
  readonly fundId: string;
  readonly months: number;
  /** Names the rows that were found, person by person. */
  readonly comparisonId: string;
  /** Head of log 0, where lists lie, when the reading began: what is recorded later may be in the figures or not. */
  readonly position: number;
  readonly fresh: PersonsAndPoints;
  /** Granted this measure before, by a claim or a list: they get nothing again. */
  readonly sameMeasure: PersonsAndPoints;
  /** Granted by another list in these months, for another measure: they get these points too. */
  readonly otherList: PersonsAndPoints;
  /** What those of the list were granted in these months, by fund. */
  readonly pastByFund: readonly (PersonsAndPoints & { readonly fundId: string })[];
  readonly fund: { readonly undrawnPoints: number; readonly neededPoints: number };
  readonly by: string;
}

export interface PersonsAndPoints {
  readonly persons: number;
  readonly points: number;
}

export interface ListRelease {
  readonly fundId: string;
  readonly dryRun: boolean;
  /** The last row of each stage, rising; the last one is the list's. Rows are numbered from 1 in canonical order. */
  readonly stageEnds: readonly number[];
  /** Points cannot be used for so long after their grant. */
  readonly embargoHours: number;
  readonly pointsExpireAt: string | null;
  readonly pointsExpireAfterMonths: number | null;
}

export interface ListStage {
  readonly stage: number;
  readonly firstRow: number;
  readonly lastRow: number;
  readonly state: 'waiting' | 'running' | 'granted';
  /** How often it was started; the first time is 1. */
  readonly attempt: number;
  readonly startedBy: string | null;
}

export type ListState =
  | 'registered'
  | 'validating'
  | 'invalid'
  | 'repeated'
  | 'validated'
  | 'proposed'
  | 'approved'
  | 'granted'
  | 'recalling'
  | 'recalled'
  | 'discarded';

export interface ListGrant extends ListFacts {
  readonly state: ListState;
  readonly upload: ListUploaded | undefined;
  readonly content: ListValidated | undefined;
  readonly invalid: ListFoundInvalid | undefined;
  readonly earlierListId: string | undefined;
  readonly comparison: ListComparison | undefined;
  readonly release: (ListRelease & { readonly by: string }) | undefined;
  readonly approvedBy: string | undefined;
  readonly stages: readonly ListStage[];
  /** Rows of the running stage's attempt that are decided. */
  readonly throughRow: number;
  readonly paused: boolean;
  readonly recall:
    | {
        readonly reasonPattern: string;
        readonly proposedBy: string;
        readonly approvedBy: string | null;
        readonly throughRow: number;
      }
    | undefined;
}

export function listStream(listId: string): string {
  return `listGrant-${listId}`;
}

export function evolveList(list: ListGrant | undefined, event: ListEvent): ListGrant {
  if (event.type === 'ListRegistered') return registered(event.data);
  if (!list) throw new Error(`${event.type} on a list that was never registered`);
  switch (event.type) {
    case 'ListUploaded':
      return { ...list, state: 'validating', upload: event.data, invalid: undefined };
    case 'ListValidated':
      return { ...list, state: 'validated', content: event.data };
    case 'ListFoundInvalid':
      return { ...list, state: 'invalid', invalid: event.data };
    case 'ListFoundRepeated':
      return { ...list, state: 'repeated', earlierListId: event.data.earlierListId };
    case 'ListCompared':
      return { ...list, comparison: event.data };
    case 'ListReleaseProposed':
      return { ...list, state: 'proposed', release: event.data, stages: stagesOf(event.data.stageEnds) };
    case 'ListReleaseApproved':
      return { ...list, state: 'approved', approvedBy: event.data.by };
    case 'ListStageStarted': {
      const { stage, attempt, by } = event.data;
      return {
        ...withStage(list, stage, { state: 'running', attempt, startedBy: by }),
        state: 'approved',
        throughRow: 0,
      };
    }
    case 'ListStageAdvanced':
      return { ...list, throughRow: event.data.throughRow };
    case 'ListStageGranted': {
      const after = withStage(list, event.data.stage, { state: 'granted' });
      return after.stages.every(({ state }) => state === 'granted') ? { ...after, state: 'granted' } : after;
    }
    case 'ListPaused':
      return { ...list, paused: true };
    case 'ListResumed':
      return { ...list, paused: false, recall: undefined };
    case 'ListRecallProposed': {
      const { reasonPattern, by } = event.data;
      return { ...list, paused: true, recall: { reasonPattern, proposedBy: by, approvedBy: null, throughRow: 0 } };
    }
    case 'ListRecallApproved':
      return { ...list, state: 'recalling', recall: { ...proposedRecall(list), approvedBy: event.data.by } };
    case 'ListRecallAdvanced':
      return { ...list, recall: { ...proposedRecall(list), throughRow: event.data.throughRow } };
    case 'ListRecalled':
      return { ...list, state: 'recalled' };
    case 'ListDiscarded':
      return { ...list, state: 'discarded' };
  }
}

export function foldList(events: Iterable<{ readonly type: string; readonly data: unknown }>): ListGrant | undefined {
  let list: ListGrant | undefined;
  for (const event of events) list = evolveList(list, event as ListEvent);
  return list;
}

/** The stage whose rows are being decided. */
export function runningStage(list: ListGrant): ListStage | undefined {
  return list.stages.find(({ state }) => state === 'running');
}

/** Nothing happens to the list until a person acts. */
export function isAtRest(list: ListGrant): boolean {
  if (list.state === 'validating' || list.state === 'recalling') return false;
  return list.paused || !runningStage(list);
}

/** The last row that any start of a stage can have granted. */
export function lastRowReached(list: ListGrant): number {
  return list.stages.findLast(({ attempt }) => attempt > 0)?.lastRow ?? 0;
}

function registered(facts: ListFacts): ListGrant {
  return {
    ...facts,
    state: 'registered',
    upload: undefined,
    content: undefined,
    invalid: undefined,
    earlierListId: undefined,
    comparison: undefined,
    release: undefined,
    approvedBy: undefined,
    stages: [],
    throughRow: 0,
    paused: false,
    recall: undefined,
  };
}

function stagesOf(ends: readonly number[]): readonly ListStage[] {
  return ends.map((lastRow, index) => ({
    stage: index + 1,
    firstRow: (ends[index - 1] ?? 0) + 1,
    lastRow,
    state: 'waiting',
    attempt: 0,
    startedBy: null,
  }));
}

function withStage(list: ListGrant, stage: number, change: Partial<ListStage>): ListGrant {
  return { ...list, stages: list.stages.map((known) => (known.stage === stage ? { ...known, ...change } : known)) };
}

function proposedRecall(list: ListGrant) {
  if (!list.recall) throw new Error(`a recall of list ${list.listId} that nobody proposed`);
  return list.recall;
}

/** The content of one owner's lists for one measure: at most one list holds it. Stream `listContent-<key>`. */
export type ContentEvent =
  | { readonly type: 'ListContentReserved'; readonly data: { readonly listId: string } }
  | { readonly type: 'ListContentFreed'; readonly data: { readonly listId: string } };

export function contentStream(key: string): string {
  return `listContent-${key}`;
}

/** The list that holds a content, if one does. */
export function contentHolder(events: Iterable<{ readonly type: string; readonly data: unknown }>): string | undefined {
  let holder: string | undefined;
  for (const event of events) {
    const known = event as ContentEvent;
    holder = known.type === 'ListContentReserved' ? known.data.listId : undefined;
  }
  return holder;
}

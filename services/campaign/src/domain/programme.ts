import { ok, type Result, refuse } from '@tsunagu/kernel';
import type { At } from './stamped.js';

/** A frame that campaigns and links belong to: how many providers a person may choose, how a link is confirmed. */
export interface Programme {
  readonly programmeId: string;
  readonly name: string;
  readonly providersPerPerson: 'one' | 'many';
  readonly linkConfirmation: 'none' | 'person' | 'proof';
  /** Whether a person may end a link, and so choose another provider, after a claim in this programme. */
  readonly linkChange: 'never_after_claim' | 'allowed';
  /** Null: everybody's. */
  readonly ownerId: string | null;
}

export type ProgrammeEvent = { readonly type: 'ProgrammeCreated'; readonly data: Programme };

export const initialState = undefined;

export const defaultProgramme: Programme = {
  programmeId: 'default',
  name: 'Default programme',
  providersPerPerson: 'one',
  linkConfirmation: 'none',
  linkChange: 'never_after_claim',
  ownerId: null,
};

export function evolve(_: Programme | undefined, event: ProgrammeEvent): Programme {
  return event.data;
}

export function fold(events: readonly ProgrammeEvent[]): Programme | undefined {
  return events.reduce<Programme | undefined>(evolve, initialState);
}

export function decideCreate(
  state: Programme | undefined,
  programme: Programme,
  at: string,
): Result<readonly At<ProgrammeEvent>[], 'campaign.programme_exists'> {
  if (state) return refuse('campaign.programme_exists');
  return ok([{ type: 'ProgrammeCreated', data: programme, effectiveAt: at }]);
}

/** Whether an owner may put campaigns into this programme. */
export function isOpenTo(programme: Programme, ownerId: string): boolean {
  return programme.ownerId === null || programme.ownerId === ownerId;
}

export function programmeStream(programmeId: string): string {
  return `programme-${programmeId}`;
}

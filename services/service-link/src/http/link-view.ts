import type { RecordedEvent } from '@tsunagu/event-store';
import { fold, type LinkEvent, type LinkState, shownState } from '../domain/link.js';

/** A link as its person sees it. */
export interface LinkView {
  readonly linkId: string;
  readonly providerId: string;
  readonly programmeId: string;
  readonly state: LinkState;
  readonly reasonCode?: string;
  readonly maskedName?: string;
  readonly requestedAt: string;
  readonly endedAt?: string;
}

export function linkView(
  recorded: readonly (RecordedEvent & LinkEvent)[],
  maskedName: string | undefined,
): { readonly personId: string; readonly view: LinkView } | undefined {
  const link = fold(recorded);
  const [first, last] = [recorded[0], recorded.at(-1)];
  if (!link || !first || !last) return undefined;
  const { linkId, personId, providerId, programmeId } = link.request;
  const ended = link.status === 'established' || link.status === 'refused';
  return {
    personId,
    view: {
      linkId,
      providerId,
      programmeId,
      state: shownState(link),
      ...(link.reasonCode !== undefined && { reasonCode: link.reasonCode }),
      ...(maskedName !== undefined && { maskedName }),
      requestedAt: first.effectiveAt,
      ...(ended && { endedAt: last.effectiveAt }),
    },
  };
}

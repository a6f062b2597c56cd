import { type LinkState, shownState } from '../domain/link.js';
import type { FoundLink } from '../workflows/link-streams.js';

/** A link as its person sees it. */
export interface LinkView {
  readonly linkId: string;
  readonly providerId: string;
  readonly programmeId: string;
  readonly state: LinkState;
  readonly reasonCode?: string;
  readonly maskedName?: string;
  /** Where the person goes on at the provider, and until when; only for whoever asked for the link. */
  readonly authorizationUrl?: string;
  readonly expiresAt?: string;
  readonly requestedAt: string;
  readonly endedAt?: string;
}

/** What is not kept of an answer for its Idempotency-Key: it goes with the link, and a repetition looks it up again. */
export const notKept = ['maskedName', 'authorizationUrl'] as const;

export type KeptLinkView = Omit<LinkView, (typeof notKept)[number]> & {
  readonly [member in (typeof notKept)[number]]?: null;
};

/** The first answer again: what is not kept of it as far as it is still there. */
export function completed(kept: KeptLinkView, now: Pick<LinkView, (typeof notKept)[number]>): LinkView {
  const { maskedName, authorizationUrl, ...view } = kept;
  return {
    ...view,
    ...(maskedName === null && now.maskedName !== undefined && { maskedName: now.maskedName }),
    ...(authorizationUrl === null && now.authorizationUrl !== undefined && { authorizationUrl: now.authorizationUrl }),
  };
}

export function linkView(
  { link, recorded }: FoundLink,
  maskedName: string | undefined,
  authorizationUrl?: string,
): LinkView {
  const { linkId, providerId, programmeId } = link.request;
  const ends: readonly string[] = ['LinkEstablished', 'LinkRefused', 'LinkEnded'];
  const isErased = link.reasonCode === 'person_erased';
  const isOpen = link.status === 'requested' || link.status === 'confirmed';
  const end = isOpen ? undefined : recorded.findLast((event) => ends.includes(event.type));
  return {
    linkId,
    providerId,
    programmeId,
    state: shownState(link),
    ...(link.reasonCode !== undefined && { reasonCode: link.reasonCode }),
    ...(maskedName !== undefined && !isErased && { maskedName }),
    ...(authorizationUrl !== undefined && { authorizationUrl, expiresAt: link.request.expiresAt }),
    requestedAt: recorded[0]?.effectiveAt ?? '',
    ...(end && { endedAt: end.effectiveAt }),
  };
}

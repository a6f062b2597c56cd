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

import { ok, type Result, refuse } from '@tsunagu/kernel';

/** Stream `memberService-<service>`: a service whose ids hang on persons, such as a town's library. */
export type MemberServiceEvent =
  | {
      readonly type: 'MemberServiceRegistered';
      readonly data: { readonly service: string; readonly ownerId: string; readonly name: string };
    }
  | {
      readonly type: 'MembershipFeedEnabled';
      readonly data: {
        readonly service: string;
        /** The law or contract that lets the service be told. */
        readonly legalBasis: string;
        /** Nothing that ended before is told. */
        readonly since: string;
      };
    }
  | { readonly type: 'MembershipFeedDisabled'; readonly data: { readonly service: string } }
  | {
      readonly type: 'MembershipWebhookSet';
      readonly data: {
        readonly service: string;
        readonly url: string;
        /** Nothing that ended before is delivered; it can be read from the feed. */
        readonly since: string;
      };
    }
  | { readonly type: 'MembershipWebhookRemoved'; readonly data: { readonly service: string } };

export interface MemberService {
  readonly service: string;
  readonly ownerId: string;
  readonly name: string;
  /** Null while the feed is off, which it is from the beginning. */
  readonly feed: { readonly legalBasis: string; readonly since: string } | null;
  /** Where the feed is delivered besides; null from the beginning. */
  readonly webhook: { readonly url: string; readonly since: string } | null;
}

export function memberServiceStream(service: string): string {
  return `memberService-${service}`;
}

export function foldMemberService(events: readonly MemberServiceEvent[]): MemberService | undefined {
  let folded: MemberService | undefined;
  for (const event of events) {
    if (event.type === 'MemberServiceRegistered')
      folded = { ...event.data, feed: folded?.feed ?? null, webhook: folded?.webhook ?? null };
    else if (!folded) throw new Error(`${event.type} before MemberServiceRegistered`);
    else folded = evolve(folded, event);
  }
  return folded;
}

function evolve(
  known: MemberService,
  { type, data }: Exclude<MemberServiceEvent, { type: 'MemberServiceRegistered' }>,
): MemberService {
  switch (type) {
    case 'MembershipFeedEnabled':
      return { ...known, feed: { legalBasis: data.legalBasis, since: data.since } };
    case 'MembershipFeedDisabled':
      return { ...known, feed: null };
    case 'MembershipWebhookSet':
      return { ...known, webhook: { url: data.url, since: data.since } };
    case 'MembershipWebhookRemoved':
      return { ...known, webhook: null };
  }
}

/** Another owner's service is not there for the caller. */
export function ofOwner(
  known: MemberService | undefined,
  ownerId: string | null,
): Result<MemberService, 'request.not_found'> {
  return known && known.ownerId === ownerId ? ok(known) : refuse('request.not_found');
}

/** Also renames. A name that another owner has taken is not there for the caller. */
export function decideRegisterService(
  known: MemberService | undefined,
  wish: { readonly service: string; readonly ownerId: string; readonly name: string },
): Result<readonly MemberServiceEvent[], 'request.not_found'> {
  if (known && known.ownerId !== wish.ownerId) return refuse('request.not_found');
  return ok(known?.name === wish.name ? [] : [{ type: 'MemberServiceRegistered', data: wish }]);
}

/** `legalBasis` null switches the feed off. */
export function decideFeed(
  { service, feed }: MemberService,
  legalBasis: string | null,
  at: string,
): readonly MemberServiceEvent[] {
  if (legalBasis === (feed?.legalBasis ?? null)) return [];
  if (legalBasis === null) return [{ type: 'MembershipFeedDisabled', data: { service } }];
  // A new basis for a feed that runs leaves no gap.
  return [{ type: 'MembershipFeedEnabled', data: { service, legalBasis, since: feed?.since ?? at } }];
}

/** `url` null removes the webhook. */
export function decideWebhook(
  { service, webhook }: MemberService,
  url: string | null,
  at: string,
): readonly MemberServiceEvent[] {
  if (url === (webhook?.url ?? null)) return [];
  if (url === null) return [{ type: 'MembershipWebhookRemoved', data: { service } }];
  // A new address goes on where the old one was.
  return [{ type: 'MembershipWebhookSet', data: { service, url, since: webhook?.since ?? at } }];
}

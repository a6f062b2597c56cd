import { type LinkCorrectionName, type LinkOutcome, linkCorrectionPattern } from '@tsunagu/contracts';
import { ok, type Result, refuse } from '@tsunagu/kernel';
import { accountStreamsOf, choiceStreamOf, type GuardChanges, giveUp, release } from './guards.js';
import { currentAccount, type Link, type LinkEvent, shownState, subjectOf } from './link.js';
import * as choice from './provider-choice.js';
import * as account from './service-account.js';

/** What staff found out about links, all of it together: a swapped pair is one correction. */
export interface Correction {
  readonly kind: 'correction';
  readonly pattern: LinkCorrectionName;
  readonly outcome: LinkOutcome;
  readonly links: readonly CorrectedLink[];
  /** A reference into the owner's own files. */
  readonly evidence: string;
}

export interface CorrectedLink {
  readonly linkId: string;
  /** With the outcome `moved`: whose account it is. Null in a swapped pair, where it follows, and otherwise. */
  readonly toPersonId: string | null;
}

/** A link to be corrected, and the id of the link that would follow it. */
export interface CorrectableLink {
  readonly link: Link;
  readonly successorLinkId: string;
}

export type CorrectionRefusal =
  | 'service_link.correction_mismatch'
  | 'service_link.not_disputed'
  | 'service_link.wrong_state'
  | 'service_link.account_taken'
  | 'service_link.provider_already_chosen';

/** What each link's stream gets; a moved link has a successor, whose stream begins with these. */
export interface CorrectedStreams {
  readonly links: readonly { readonly linkId: string; readonly events: readonly LinkEvent[] }[];
  readonly successors: readonly { readonly linkId: string; readonly events: readonly LinkEvent[] }[];
}

/** Decides over all links at once; what it adds to the guards is to be recorded in the same request, or nothing is. */
export function decideCorrection(
  correction: Correction,
  found: readonly CorrectableLink[],
  guards: GuardChanges,
  facts: { readonly changeId: string },
): Result<CorrectedStreams, CorrectionRefusal> {
  const { pattern, outcome } = correction;
  const { outcomes, needsDispute, freesAccount } = linkCorrectionPattern(pattern);
  if (!outcomes.includes(outcome)) return mismatch(`The pattern ${pattern} does not allow ${outcome}.`);
  for (const { link } of found) {
    // Its account is still kept for its person, and perhaps should not be.
    if (link.status === 'ended' && outcome === 'ended' && freesAccount) continue;
    if (link.status !== 'disputed' && link.status !== 'established')
      return refuse('service_link.wrong_state', { detail: `The link ${link.request.linkId} is ${shownState(link)}.` });
    if (needsDispute && link.status !== 'disputed')
      return refuse('service_link.not_disputed', { extensions: { linkId: link.request.linkId } });
  }
  if (outcome === 'moved') return decideMoves(correction, found, guards);
  const links = found.map(({ link }) => {
    const { linkId } = link.request;
    if (outcome === 'upheld')
      return { linkId, events: [{ type: 'LinkUpheld' as const, data: { ...subjectOf(link), ...facts } }] };
    if (link.status === 'ended') giveUp(guards, link);
    else release(guards, link, !freesAccount);
    return { linkId, events: [ended(link, pattern, null)] };
  });
  return ok({ links, successors: [] });
}

/** All links let go first, then each account is bound for its right person: so a pair can change places. */
function decideMoves(
  { pattern, links: wanted }: Correction,
  found: readonly CorrectableLink[],
  guards: GuardChanges,
): Result<CorrectedStreams, CorrectionRefusal> {
  const persons = [...new Set(found.map(({ link }) => link.request.personId))];
  if (pattern === 'swapped_pair' && persons.length !== 2)
    return mismatch('A swapped pair is links of exactly two persons.');
  const moves = [];
  for (const each of found) {
    const { linkId, personId } = each.link.request;
    const given = wanted.find((link) => link.linkId === linkId)?.toPersonId ?? null;
    const other = pattern === 'swapped_pair' ? (persons.find((person) => person !== personId) ?? null) : given;
    if (other === null || (given !== null && given !== other))
      return mismatch('toPersonId must name the right person; in a swapped pair it is the other one.');
    if (other === personId) return mismatch('A link cannot be moved to its own person.');
    moves.push({ ...each, toPersonId: other });
  }
  for (const { link } of moves) release(guards, link, false);
  for (const { link, successorLinkId, toPersonId } of moves) {
    const { programmeId, providerId, providersPerPerson } = link.request;
    for (const stream of accountStreamsOf(link)) {
      const binding = { linkId: successorLinkId, personId: toPersonId, programmeId };
      const bound = account.decideBind(guards.account(stream), binding);
      if (!bound.ok) return bound;
      guards.changeAccount(stream, bound.value);
    }
    const stream = choiceStreamOf(link, toPersonId);
    const chosen = { linkId: successorLinkId, providerId };
    const decided = choice.decideChoose(guards.choice(stream), chosen, providersPerPerson);
    if (!decided.ok) return decided;
    guards.changeChoice(stream, decided.value);
  }
  return ok({
    links: moves.map(({ link, successorLinkId }) => ({
      linkId: link.request.linkId,
      events: [ended(link, pattern, successorLinkId)],
    })),
    successors: moves.map(({ link, successorLinkId, toPersonId }) => ({
      linkId: successorLinkId,
      events: successorEvents(link, successorLinkId, toPersonId),
    })),
  });
}

/** A link like the one before it, for another person: what the provider confirmed of the account is still so. */
function successorEvents(link: Link, linkId: string, personId: string): readonly LinkEvent[] {
  const [first, ...replaced] = link.accounts;
  if (!first) throw new Error('a link that was established has an account');
  const request = { ...link.request, linkId, personId, accountKey: first.accountKey };
  const confirmed = { linkId, referenceKey: first.referenceKey, awaitsPerson: false };
  const { providerId, programmeId } = request;
  return [
    { type: 'LinkRequested', data: request },
    { type: 'ProviderConfirmed', data: confirmed },
    { type: 'LinkEstablished', data: { linkId, personId, providerId, programmeId } },
    ...replaced.map((keys) => ({ type: 'LinkReplaced' as const, data: { linkId, ...keys } })),
  ];
}

/** A lost card's account under its new id: bound for the same link, beside the ids before it. */
export function decideReplacement(
  link: Link,
  keys: { readonly accountKey: string; readonly referenceKey: string },
  guards: GuardChanges,
): Result<
  readonly LinkEvent[],
  'service_link.wrong_state' | 'service_link.account_taken' | 'service_link.provider_already_chosen'
> {
  if (link.status !== 'established')
    return refuse('service_link.wrong_state', { detail: `The link is ${shownState(link)}.` });
  if (currentAccount(link)?.referenceKey === keys.referenceKey) return ok([]);
  const { linkId, personId, programmeId, providerId } = link.request;
  for (const key of new Set([keys.accountKey, keys.referenceKey])) {
    const stream = account.serviceAccountStream(providerId, key);
    const bound = account.decideBind(guards.account(stream), { linkId, personId, programmeId });
    if (!bound.ok) return bound;
    guards.changeAccount(stream, bound.value);
  }
  return ok([{ type: 'LinkReplaced', data: { linkId, ...keys } }]);
}

function ended(link: Link, pattern: LinkCorrectionName, successorLinkId: string | null): LinkEvent {
  return { type: 'LinkEnded', data: { ...subjectOf(link), pattern, successorLinkId } };
}

function mismatch(detail: string) {
  return refuse('service_link.correction_mismatch', { detail });
}

import type { RecordedNote } from '@tsunagu/campaign';
import type { DataOf } from '@tsunagu/contracts';
import { checkAccounts, checkOneGrant, type Violation } from '@tsunagu/point-ledger';
import { checkClaims } from './claims.js';
import { checkDecisions, type Grounds } from './decisions.js';
import { checkExchanges } from './exchanges.js';
import type { Finding } from './finding.js';
import { type Kept, type KeptRecord, keptOf, role, type Seen } from './kept.js';
import type { checkLists, ListRow } from './lists.js';
import { checkRequests, checkRevisions } from './scan.js';

/** How the claims are judged: see `checkClaims`. */
export interface Moment {
  readonly nowMs: number;
  readonly graceMs: number;
  /** When the reading began. What the ledger recorded since then may answer what the other logs recorded after they were read. */
  readonly begun: string;
}

export interface SubjectCounts {
  accounts: number;
  claims: number;
  claimsInProgress: number;
  exchanges: number;
  exchangesInProgress: number;
}

const noteTypes: ReadonlySet<string> = new Set<RecordedNote['type']>([
  'WithdrawalNoted',
  'RevocationNoted',
  'ErasureNoted',
]);

/**
 * What belongs to one subject, checked a bucket at a time: every account, claim, exchange, stream and request is wholly in one
 * bucket, and nothing of it is kept when the bucket is done.
 */
export function checkSubjects(
  grounds: Grounds,
  lists: ReturnType<typeof checkLists>,
  moment: Moment,
  found: (finding: Finding) => void,
) {
  const counts: SubjectCounts = { accounts: 0, claims: 0, claimsInProgress: 0, exchanges: 0, exchangesInProgress: 0 };
  const decisions = checkDecisions(grounds, found);
  const violated = (violation: Violation) => found({ ...violation, service: 'point-ledger' });

  function bucket(records: Iterable<KeptRecord>, rows: Iterable<ListRow>): void {
    const revisions = checkRevisions(found);
    const requests = checkRequests(found);
    const claims = checkClaims();
    const exchanges = checkExchanges();
    const once = checkOneGrant(violated);
    const accounts = checkAccounts(violated);
    const persons = lists.persons(rows);
    const orders = new Map<string, DataOf<'ClaimAccepted'>>();

    const notes = new Map<string, readonly RecordedNote[]>();

    function takeClaim(event: Kept) {
      const personId = String(event.data.personId);
      const noted = notes.get(personId) ?? [];
      // A note comes before every decision that read it.
      if (noteTypes.has(event.type)) notes.set(personId, [...noted, event as Kept & RecordedNote]);
      claims.takeCampaign(event);
      if (event.type === 'ClaimAccepted') decisions.claim(event, noted);
      if (event.type === 'ClaimReopened') decisions.reopened(event, noted);
      if (event.type === 'ClaimAccepted' || event.type === 'ClaimReopened')
        orders.set(event.id, event.data as DataOf<'ClaimAccepted'>);
    }

    function takeLedger(event: Kept) {
      // Of funds, leases and lists only the stream is looked at here.
      if (event.type === '') return;
      const isEarly = event.recordedAt < moment.begun;
      if (event.roles & role.person) {
        once.take(event);
        claims.takeLedger(event);
        persons.takeLedger(event);
      }
      if (event.roles & role.exchange && isEarly) exchanges.takeLedger(event);
      if (!(event.roles & role.stream)) return;
      if (isEarly && (event.type === 'PointsGranted' || event.type === 'GrantRefused')) {
        const order = orders.get(event.causationId ?? '') ?? persons.orderOf(event);
        decisions.answer(event, order, accounts.account(event.stream));
      }
      accounts.take(event);
    }

    for (const record of records) {
      const event = keptOf(record);
      if (event.roles & role.request) {
        requests.take(event);
        continue;
      }
      if (event.roles & role.stream) revisions.take(event);
      if (event.service === 'point-ledger') takeLedger(event);
      else if (event.roles & role.person) takeClaim(event);
      else if (event.roles & role.exchange) exchanges.takeExchange(event);
    }
    accounts.end();
    persons.end();
    const isOfList = (grant: Seen) => persons.orderOf(grant) !== undefined;
    const promised = claims.findings({ ...moment, isOfList });
    const moved = exchanges.findings();
    for (const finding of [...promised.findings, ...moved.findings]) found(finding);
    counts.accounts += accounts.accounts;
    counts.claims += promised.claims;
    counts.claimsInProgress += promised.inProgress;
    counts.exchanges += moved.exchanges;
    counts.exchangesInProgress += moved.inProgress;
  }

  return { bucket, counts, decided: decisions.counts };
}

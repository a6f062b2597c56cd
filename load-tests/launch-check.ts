import type { RecordedEvent } from '@tsunagu/event-store';

/** What a load run leaves to be checked. */
export interface LaunchRecord {
  /** Receipts as the callers got them: the person's number, claim and receipt number. */
  readonly receipts: readonly { person: number; claimId: string; receipt: string }[];
  /** The campaign's log and the ledger's, whole and in order: of several logs one after another. */
  readonly campaignEvents: readonly RecordedEvent<string, Record<string, unknown>>[];
  readonly ledgerEvents: readonly RecordedEvent<string, Record<string, unknown>>[];
  readonly trialBalance: { readonly debitPoints: number; readonly creditPoints: number };
}

const ENDS = new Set(['ClaimGranted', 'ClaimRefused', 'ClaimCancelled']);

/** What is wrong after a launch; empty when every receipt has ended, nobody was granted twice and the funds add up. */
export function checkLaunch(record: LaunchRecord): string[] {
  return [
    ...receiptsEnded(record),
    ...grantedOnce(record),
    ...fundsConserved(record),
    ...(record.trialBalance.debitPoints === record.trialBalance.creditPoints
      ? []
      : [
          `the trial balance differs: ${record.trialBalance.debitPoints} debit, ${record.trialBalance.creditPoints} credit`,
        ]),
  ];
}

/** I2: every receipt a caller holds is in the log, has an end, and the same person always got the same one. */
function receiptsEnded({ receipts, campaignEvents, ledgerEvents }: LaunchRecord): string[] {
  const stateOf = new Map<string, string>();
  for (const { type, data } of campaignEvents) {
    if (typeof data.claimId !== 'string') continue;
    if (type === 'ClaimAccepted' || type === 'ClaimReopened') stateOf.set(data.claimId, 'accepted');
    else if (ENDS.has(type)) stateOf.set(data.claimId, type);
  }
  const granted = new Set(ledgerEvents.filter(({ type }) => type === 'PointsGranted').map(({ data }) => data.claimId));
  const wrong: string[] = [];
  const claimOf = new Map<number, string>();
  for (const { person, claimId, receipt } of receipts) {
    const first = claimOf.get(person);
    if (first !== undefined && first !== claimId)
      wrong.push(`person ${person} holds two claims: ${first} and ${claimId}`);
    claimOf.set(person, claimId);
    const state = stateOf.get(claimId);
    if (state === undefined) wrong.push(`receipt ${receipt} (claim ${claimId}) is not in the log`);
    else if (state === 'accepted') wrong.push(`receipt ${receipt} (claim ${claimId}) has not ended`);
    else if (state === 'ClaimGranted' && !granted.has(claimId)) {
      wrong.push(`receipt ${receipt} (claim ${claimId}) shows granted and the ledger has no grant`);
    }
  }
  return wrong;
}

/** I1: one grant for each (measure, person), and each of them was claimed. */
function grantedOnce({ campaignEvents, ledgerEvents }: LaunchRecord): string[] {
  const accepted = new Set(
    campaignEvents.filter(({ type }) => type === 'ClaimAccepted').map(({ data }) => data.claimId),
  );
  const grants = new Map<string, unknown>();
  const wrong: string[] = [];
  for (const { type, data, position } of ledgerEvents) {
    if (type !== 'PointsGranted') continue;
    const key = `${data.measureId}+${data.personId}`;
    if (grants.has(key)) wrong.push(`granted twice: measure and person ${key}, again at position ${position}`);
    grants.set(key, data.claimId);
    if (!accepted.has(data.claimId)) wrong.push(`a grant without a claim at position ${position}: ${data.claimId}`);
  }
  return wrong;
}

/** I3 and I4: what leases drew is what was granted, and no fund gave more than was committed. */
function fundsConserved({ ledgerEvents }: LaunchRecord): string[] {
  const funds = new Map<string, { committed: number; drawn: number; granted: number }>();
  const fundOfLease = new Map<string, string>();
  const fund = (id: string) => {
    const found = funds.get(id) ?? { committed: 0, drawn: 0, granted: 0 };
    funds.set(id, found);
    return found;
  };
  for (const { type, stream, data } of ledgerEvents) {
    if (type === 'FundCommitted') fund(stream.slice('fund-'.length)).committed += Number(data.amountPoints);
    else if (type === 'LeaseOpened') fundOfLease.set(stream, String(data.fundId));
    else if (type === 'FundDrawn')
      fund(fundOfLease.get(stream) ?? `of no open lease: ${stream}`).drawn += Number(data.points);
    else if (type === 'PointsGranted') fund(String(data.fundId)).granted += Number(data.amountPoints);
  }
  return [...funds].flatMap(([id, { committed, drawn, granted }]) => [
    ...(drawn === granted ? [] : [`fund ${id}: ${drawn} drawn and ${granted} granted`]),
    ...(granted <= committed ? [] : [`fund ${id}: ${granted} granted of ${committed} committed`]),
  ]);
}

import type { DataOf } from '@tsunagu/contracts';
import { checkClaims } from './claims.js';
import type { Recorded } from './decisions.js';
import type { Finding } from './finding.js';
import type { Read } from './scan.js';
import { Spill } from './spill.js';

interface Aside {
  readonly side: 'campaign' | 'ledger';
  readonly event: Read;
  readonly restPoints?: number;
}

/** A person's claims and account, which the campaign's log and the ledger's tell of: put aside by person, looked at together. */
export class People {
  private readonly spill: Spill<Aside>;
  readonly counts = { accepted: 0, answers: 0, claims: 0, inProgress: 0 };

  constructor(expected: number) {
    this.spill = new Spill(expected);
  }

  takeCampaign(event: Read): void {
    const [, person] = event.stream.split('+');
    if (person !== undefined) this.spill.put(person, { side: 'campaign', event });
  }

  takeLedger(event: Read, restPoints: number | undefined): void {
    if (!event.stream.startsWith('account-')) return;
    const person = event.stream.slice('account-'.length);
    this.spill.put(person, { side: 'ledger', event, ...(restPoints === undefined ? {} : { restPoints }) });
  }

  settle(): Promise<void> {
    return this.spill.settle();
  }

  close(): void {
    this.spill.close();
  }

  /** I1, I2 and I6, some persons at a time. What the ledger recorded after `begun` answers what the campaign may have recorded later. */
  async findings(
    at: { readonly nowMs: number; readonly graceMs: number; readonly begun: string },
    decidedAgain: (recorded: Recorded) => Promise<readonly Finding[]>,
    onProgress: (done: number, all: number) => void,
  ): Promise<Finding[]> {
    const findings: Finding[] = [];
    let done = 0;
    for await (const bucket of this.spill.buckets()) {
      const claims = checkClaims();
      for (const { side, event } of bucket) if (side === 'campaign') claims.takeCampaign(event);
      for (const { side, event } of bucket) if (side === 'ledger') claims.takeLedger(event);
      const promised = claims.findings(at);
      const recorded = recordedIn(bucket, at.begun);
      findings.push(...promised.findings, ...(await decidedAgain(recorded)));
      this.counts.claims += promised.claims;
      this.counts.inProgress += promised.inProgress;
      this.counts.accepted += recorded.accepted.length;
      this.counts.answers += recorded.answers.length;
      done += 1;
      onProgress(done, this.spill.size);
    }
    return findings;
  }
}

function recordedIn(bucket: readonly Aside[], begun: string): Recorded {
  const accepted: Read[] = [];
  const answers: { event: Read; restPoints?: number }[] = [];
  const orders = new Map<string, DataOf<'ClaimAccepted'>>();
  const accounts = new Map<string, Read[]>();
  for (const { side, event, ...rest } of bucket) {
    const { type, stream } = event;
    if (type === 'ClaimAccepted') accepted.push(event);
    if (type === 'ClaimAccepted' || type === 'ClaimReopened')
      orders.set(event.id, event.data as DataOf<'ClaimAccepted'>);
    if (side === 'campaign') continue;
    const account = accounts.get(stream);
    if (account) account.push(event);
    else accounts.set(stream, [event]);
    if (event.recordedAt < begun && (type === 'PointsGranted' || type === 'GrantRefused'))
      answers.push({ event, ...rest });
  }
  return { accepted, answers, orders, accounts };
}

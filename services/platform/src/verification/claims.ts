import { revokedReason } from '@tsunagu/campaign';
import type { Finding } from './finding.js';
import type { Seen } from './kept.js';

interface ClaimSeen {
  readonly event: Seen;
  attempt: number;
  state: string;
  /** Whether the campaign refused it itself: the ledger was not asked. */
  isOwnRefusal: boolean;
  /** When it last went to the ledger. */
  since: string;
  /** Whether it has not gone to the ledger, because identity is to say first who the person is. */
  held: boolean;
}

/** I1 and I2 between the campaign's log and the ledger's: what was promised, what was granted, what each side says of it. */
export function checkClaims(): {
  takeCampaign(event: Seen): void;
  takeLedger(event: Seen): void;
  /** Claims that wait longer than `graceMs` at `nowMs` are lost ones; `begun`: when the reading began. */
  findings(at: {
    nowMs: number;
    graceMs: number;
    begun: string;
    /** A grant without a claim of the person's own may be a row of a list. */
    isOfList(grant: Seen): boolean;
  }): {
    findings: Finding[];
    claims: number;
    inProgress: number;
  };
} {
  const claims = new Map<string, ClaimSeen>();
  const byEntitlement = new Map<string, string>();
  const granted = new Map<string, Seen>();
  const refused = new Map<string, Seen>();
  const found: Finding[] = [];

  return {
    takeCampaign(event) {
      const claimId = String(event.data.claimId);
      switch (event.type) {
        case 'ClaimAccepted': {
          const before = byEntitlement.get(event.stream);
          if (before)
            found.push(at('I1', 'campaign', event, `${event.stream} holds two claims: ${before} and ${claimId}`));
          byEntitlement.set(event.stream, claimId);
          const held = event.data.heldFor !== undefined;
          const fresh = { attempt: 1, state: 'accepted', isOwnRefusal: false, held } as const;
          claims.set(claimId, { ...fresh, event, since: event.recordedAt });
          return;
        }
        case 'ClaimReopened':
        case 'ClaimGranted':
        case 'ClaimRefused':
        case 'ClaimCancelled': {
          const claim = claims.get(claimId);
          if (!claim)
            return void found.push(at('I2', 'campaign', event, `${event.type} of a claim that was never accepted`));
          claim.state = states[event.type];
          claim.isOwnRefusal = event.type === 'ClaimRefused' && event.data.reasonCode === revokedReason;
          if (event.type !== 'ClaimReopened') return;
          claim.attempt = Number(event.data.attempt);
          claim.since = event.recordedAt;
          claim.held = false;
        }
      }
    },
    takeLedger(event) {
      if (event.type === 'PointsGranted') granted.set(String(event.data.claimId), event);
      if (event.type === 'GrantRefused') refused.set(`${event.data.claimId} ${event.data.attempt}`, event);
    },
    findings({ nowMs, graceMs, begun, isOfList }) {
      const findings = [...found];
      let inProgress = 0;
      for (const [claimId, { event, state, isOwnRefusal, since, attempt, held }] of claims) {
        const grant = granted.get(claimId);
        if (state === 'granted' && !grant)
          findings.push(at('I2', 'campaign', event, `claim ${claimId} shows granted and the ledger has no grant`));
        if (state === 'cancelled' && grant)
          findings.push(at('I1', 'point-ledger', grant, `claim ${claimId} was cancelled and granted`));
        if (state === 'refused' && grant)
          findings.push(at('I1', 'point-ledger', grant, `claim ${claimId} shows refused and was granted`));
        if (state === 'refused' && !isOwnRefusal && !refused.has(`${claimId} ${attempt}`)) {
          findings.push(at('I2', 'campaign', event, `claim ${claimId} shows refused and the ledger never refused it`));
        }
        if (state !== 'accepted') continue;
        if (held && grant)
          findings.push(at('I1', 'point-ledger', grant, `claim ${claimId} was granted while identity held it`));
        // A review takes as long as people do: such a claim is listed with the reviews and is not lost.
        if (!held && nowMs - Date.parse(since) > graceMs)
          findings.push(at('I2', 'campaign', event, `claim ${claimId} waits since ${since}`));
        else inProgress += 1;
      }
      for (const [claimId, grant] of granted) {
        if (!claims.has(claimId) && grant.recordedAt < begun && !isOfList(grant))
          findings.push(at('I1', 'point-ledger', grant, `a grant for claim ${claimId}, which nobody made`));
      }
      return { findings, claims: claims.size, inProgress };
    },
  };
}

const states = {
  ClaimReopened: 'accepted',
  ClaimGranted: 'granted',
  ClaimRefused: 'refused',
  ClaimCancelled: 'cancelled',
} as const;

function at(invariant: string, service: string, event: Seen, detail: string): Finding {
  return { invariant, service, log: event.log, position: event.position, eventId: event.id, detail };
}

import type { RecordedEvent } from '@tsunagu/event-store';
import type { Questions } from '@tsunagu/service-host';

export interface LinkFacts {
  readonly linkId: string;
  readonly personId: string;
  readonly providerId: string;
  readonly state: string;
  /** Null unless established. */
  readonly providerAccountRef: string | null;
}

export interface HoldFacts {
  readonly state: 'held' | 'refused' | 'captured' | 'released' | 'unknown';
  /** The ledger's last event about the hold, as it was published. */
  readonly event?: RecordedEvent;
}

export function askLink(questions: Questions, linkId: string): Promise<LinkFacts | undefined> {
  return questions.ask<LinkFacts>('service-link', `links/${linkId}`);
}

/** Whether the person has frozen exchanges; undefined for a person whom identity does not know. */
export function askStanding(questions: Questions, personId: string): Promise<{ readonly frozen: boolean } | undefined> {
  return questions.ask<{ frozen: boolean }>('identity', `persons/${personId}/standing`);
}

export function askHold(questions: Questions, personId: string, exchangeId: string): Promise<HoldFacts | undefined> {
  return questions.ask<HoldFacts>('point-ledger', `holds/${personId}/${exchangeId}`);
}

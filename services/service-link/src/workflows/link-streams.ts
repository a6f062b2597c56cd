import {
  type AppendRequest,
  domainEvents,
  type EventLog,
  expectedRevision,
  type NewEvent,
  type RecordedEvent,
} from '@tsunagu/event-store';
import { GuardChanges } from '../domain/guards.js';
import { fold, type Link, type LinkEvent, linkStream } from '../domain/link.js';
import * as choice from '../domain/provider-choice.js';
import * as account from '../domain/service-account.js';

export interface FoundLink {
  readonly link: Link;
  readonly recorded: readonly (RecordedEvent & LinkEvent)[];
}

/** By link id; those that are there. */
export async function readLinks(log: EventLog, linkIds: readonly string[]): Promise<ReadonlyMap<string, FoundLink>> {
  const streams = await log.readStreams(linkIds.map(linkStream));
  return new Map(
    linkIds.flatMap((linkId) => {
      const recorded = domainEvents<LinkEvent>(streams.get(linkStream(linkId)));
      const link = fold(recorded);
      return link ? [[linkId, { link, recorded }] as const] : [];
    }),
  );
}

export async function readLink(log: EventLog, linkId: string): Promise<FoundLink | undefined> {
  return (await readLinks(log, [linkId])).get(linkId);
}

export interface FoundGuards {
  readonly guards: GuardChanges;
  readonly streams: ReadonlyMap<string, readonly RecordedEvent[]>;
}

export async function readGuards(
  log: EventLog,
  accountStreams: readonly string[],
  choiceStreams: readonly string[],
): Promise<FoundGuards> {
  const streams = await log.readStreams([...new Set([...accountStreams, ...choiceStreams])]);
  const accounts = accountStreams.map(
    (name) => [name, account.fold(domainEvents<account.ServiceAccountEvent>(streams.get(name)))] as const,
  );
  const choices = choiceStreams.map(
    (name) => [name, choice.fold(domainEvents<choice.ProviderChoiceEvent>(streams.get(name)))] as const,
  );
  return { guards: new GuardChanges(new Map(accounts), new Map(choices)), streams };
}

/** The guards' part of a request: what a decision adds to them, on the revisions that it was decided on. */
export function guardWrites(
  { guards, streams }: FoundGuards,
  recordable: (stream: string, event: { type: string; data: unknown }, index: number) => NewEvent,
): AppendRequest['writes'] {
  return [...guards.added].map(([stream, events]) => ({
    stream,
    expectedRevision: expectedRevision(streams.get(stream)),
    events: events.map((event, index) => recordable(stream, event, index)),
  }));
}

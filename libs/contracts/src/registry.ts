import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';
import * as campaign from './events/campaign.js';
import * as exchange from './events/exchange-settlement.js';
import * as identity from './events/identity.js';
import * as ledger from './events/point-ledger.js';
import * as link from './events/service-link.js';
import type { PublishedEvent } from './published.js';
import type { Topic } from './topics.js';

const byType = { ...identity, ...link, ...campaign, ...ledger, ...exchange };

/** The data of a published event, by its type's name: `DataOf<'PointsGranted'>`. */
export type PublishedType = keyof typeof byType;
export type DataOf<T extends PublishedType> = Static<(typeof byType)[T]['data']>;

export const publishedEvents = Object.values(byType) as unknown as readonly PublishedEvent[];

const known = new Map(publishedEvents.map((event) => [event.type, { event, validator: Compile(event.data) }]));

/** The types that a topic carries. */
export function typesOf(topic: Topic | string): readonly string[] {
  return publishedEvents.filter((event) => event.topic === topic).map((event) => event.type);
}

/** Undefined for an event that is not published. */
export function publishedEvent(type: string): PublishedEvent | undefined {
  return known.get(type)?.event;
}

/** What is wrong with the data of a published event; empty when it keeps its schema. */
export function schemaErrors(type: string, schemaVersion: number, data: unknown): readonly string[] {
  const entry = known.get(type);
  if (!entry) return [`${type} is not a published event`];
  if (schemaVersion !== entry.event.version) return [`${type} has no version ${schemaVersion}`];
  if (entry.validator.Check(data)) return [];
  return entry.validator.Errors(data).map((error) => `${error.instancePath || '/'} ${error.message}`);
}

/** The partition key: accountId = personId wherever the event is about a person. */
export function keyOf(type: string, data: Readonly<Record<string, unknown>>): string {
  const entry = known.get(type);
  if (!entry) throw new Error(`${type} is not a published event`);
  return String(data[entry.event.key]);
}

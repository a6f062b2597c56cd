import { EventVersions, type UpcastTable } from '@tsunagu/kernel';
import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';
import * as campaign from './events/campaign.js';
import * as exchange from './events/exchange-settlement.js';
import * as identity from './events/identity.js';
import * as lots from './events/lots.js';
import * as ledger from './events/point-ledger.js';
import * as link from './events/service-link.js';
import type { PublishedEvent } from './published.js';
import type { Topic } from './topics.js';

const byType = { ...identity, ...link, ...campaign, ...ledger, ...lots, ...exchange };

/** The data of a published event, by its type's name: `DataOf<'PointsGranted'>`. */
export type PublishedType = keyof typeof byType;
export type DataOf<T extends PublishedType> = Static<(typeof byType)[T]['data']>;

export const publishedEvents = Object.values(byType) as unknown as readonly PublishedEvent[];

const known = new Map(
  publishedEvents.map((event) => {
    const schemas = [...(event.older ?? []).map((version) => version.data), event.data];
    return [event.type, { event, validators: schemas.map((schema) => Compile(schema)) }];
  }),
);

/** How each published event came to its newest version. */
export const publishedUpcasts: UpcastTable = Object.fromEntries(
  publishedEvents.map((event) => [event.type, (event.older ?? []).map(({ upcast }) => upcast)]),
);

/** Every consumer brings what it hears to the newest version that it knows itself, whatever release recorded or sent it. */
export const publishedVersions = new EventVersions(publishedUpcasts);

/** The types that a topic carries. */
export function typesOf(topic: Topic | string): readonly string[] {
  return publishedEvents.filter((event) => event.topic === topic).map((event) => event.type);
}

/** Undefined for an event that is not published. */
export function publishedEvent(type: string): PublishedEvent | undefined {
  return known.get(type)?.event;
}

/** What is wrong with the data of a published event, by the schema of its own version; empty when it keeps that. */
export function schemaErrors(type: string, schemaVersion: number, data: unknown): readonly string[] {
  const entry = known.get(type);
  if (!entry) return [`${type} is not a published event`];
  const validator = entry.validators[schemaVersion - 1];
  if (!validator) return [`${type} has no version ${schemaVersion}; the newest known is ${entry.event.version}`];
  if (validator.Check(data)) return [];
  return validator.Errors(data).map((error) => `${error.instancePath || '/'} ${error.message}`);
}

/** The partition key: accountId = personId wherever the event is about a person. */
export function keyOf(type: string, data: Readonly<Record<string, unknown>>): string {
  const entry = known.get(type);
  if (!entry) throw new Error(`${type} is not a published event`);
  return String(data[entry.event.key]);
}

/**
 * How the data of one event type came to be what it is: the first step makes version 2 of version 1, the next one
 * version 3 of version 2. Pure functions; no steps while there is one version only.
 */
// biome-ignore lint/suspicious/noExplicitAny: each step knows the version it begins with, and nobody else does
export type UpcastSteps = readonly ((data: any) => unknown)[];

/** The steps of each event type, by its name. */
export type UpcastTable = Readonly<Record<string, UpcastSteps>>;

export interface VersionedEvent {
  readonly type: string;
  /** From 1. */
  readonly schemaVersion: number;
  readonly data: unknown;
}

/** An event in a version that this release does not know: a later release recorded it. Only an update cures it. */
export class UnknownVersion extends Error {
  readonly code = 'event.version_unknown';

  constructor({ type, schemaVersion }: Pick<VersionedEvent, 'type' | 'schemaVersion'>, newest: number) {
    super(
      `${type} is recorded in version ${schemaVersion}, and this release knows it up to version ${newest}: update this service first`,
    );
    this.name = 'UnknownVersion';
  }
}

/** The versions of a set of event types: what is recorded stays as it is, and everybody reads the newest. */
export class EventVersions {
  private readonly steps: ReadonlyMap<string, UpcastSteps>;

  constructor(...tables: readonly UpcastTable[]) {
    this.steps = new Map(tables.flatMap((table) => Object.entries(table)).filter(([, steps]) => steps.length > 0));
  }

  /** The version in which an event of this type is recorded now; 1 for a type without older versions. */
  newest(type: string): number {
    return this.stepsOf(type).length + 1;
  }

  /** The event in its newest version; the same object where it is. Throws UnknownVersion for one that is newer. */
  upcast<E extends VersionedEvent>(event: E): E {
    const steps = this.stepsOf(event.type);
    const newest = steps.length + 1;
    if (event.schemaVersion === newest) return event;
    if (event.schemaVersion > newest) throw new UnknownVersion(event, newest);
    const missing = steps.slice(event.schemaVersion - 1);
    return { ...event, schemaVersion: newest, data: missing.reduce((data, step) => step(data), event.data) };
  }

  private stepsOf(type: string): UpcastSteps {
    return this.steps.get(type) ?? [];
  }
}

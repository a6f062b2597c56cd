import { setTimeout as pause } from 'node:timers/promises';
import { publishedVersions, schemaErrors } from '@tsunagu/contracts';
import { UnknownVersion } from '@tsunagu/kernel';
import { type FeedBatch, type FeedMessage, UnprocessableMessage } from './contract.js';
import { FeedInterrupted, isOutage } from './outage.js';

export type Handle = (batch: FeedBatch) => Promise<void>;

/** A message that was not worked off: dead by its own error, or waiting behind a dead one of its key. */
export interface ParkedMessage {
  readonly message: FeedMessage;
  readonly state: 'dead' | 'waiting';
  readonly error?: unknown;
  readonly attempts: number;
}

export interface DeliveryRules {
  /** Whether an earlier message of the key is parked already. */
  blocked(key: string): boolean;
  /** Pauses before a single message is tried again; after the last one it is dead. */
  readonly retryPausesMs: readonly number[];
  /** Carried from batch to batch. */
  readonly run: FailureRun;
  readonly signal?: AbortSignal;
}

/** Messages that failed alone, one after another, with no success between. */
export interface FailureRun {
  failures: number;
}

/** So many are not the messages' fault: the consumer pauses instead of dead-lettering everything. */
export const failuresInARowMax = 20;

export class SchemaInvalid extends Error {
  readonly code = 'feed.schema_invalid';
  constructor(readonly errors: readonly string[]) {
    super('the event does not keep its published schema');
    this.name = 'SchemaInvalid';
  }
}

/**
 * Gives a batch to a consumer and says what could not be worked off. A failing batch is bisected down to the messages
 * that fail alone. Rejects for an outage, or when everything fails: then nothing counts as done and the whole batch comes again.
 */
export async function deliver(
  batch: FeedBatch,
  handle: Handle,
  rules: DeliveryRules,
): Promise<readonly ParkedMessage[]> {
  const parked: ParkedMessage[] = [];
  const deadKeys = new Set<string>();
  let failuresHere = 0;
  let somethingDone = false;

  const succeeded = () => {
    somethingDone = true;
    failuresHere = 0;
    rules.run.failures = 0;
  };
  const everythingFails = (cause?: unknown) =>
    new FeedInterrupted(`${rules.run.failures} messages in a row failed: not an error of a message`, { cause });
  const bury = (message: FeedMessage, error: unknown, attempts: number) => {
    parked.push({ message, state: 'dead', error, attempts });
    deadKeys.add(message.key);
  };
  const stillOpen = (messages: FeedBatch) =>
    messages.filter((message) => {
      const waits = deadKeys.has(message.key);
      if (waits) parked.push({ message, state: 'waiting', attempts: 0 });
      return !waits;
    });

  async function tryPart(messages: FeedBatch): Promise<void> {
    const open = stillOpen(messages);
    if (open.length === 0) return;
    try {
      await handle(open);
      succeeded();
    } catch (error) {
      if (isOutage(error)) throw error;
      const named = error instanceof UnprocessableMessage ? open.findIndex((m) => m.id === error.messageId) : -1;
      const culprit = open[named === -1 ? 0 : named];
      if (culprit && named !== -1) {
        await tryPart(open.slice(0, named));
        bury(culprit, error, 1);
        await tryPart(open.slice(named + 1));
      } else if (culprit && open.length === 1) {
        await tryAlone(culprit, error);
      } else {
        const middle = open.length >> 1;
        await tryPart(open.slice(0, middle));
        await tryPart(open.slice(middle));
      }
    }
  }

  async function tryAlone(message: FeedMessage, firstError: unknown): Promise<void> {
    let error = firstError;
    let attempts = 1;
    for (const pauseMs of rules.retryPausesMs) {
      await pause(pauseMs, undefined, { signal: rules.signal });
      try {
        attempts += 1;
        await handle([message]);
        succeeded();
        return;
      } catch (again) {
        if (isOutage(again)) throw again;
        error = again;
        if (again instanceof UnprocessableMessage && again.messageId === message.id) break;
      }
    }
    failuresHere += 1;
    rules.run.failures += 1;
    if (failuresHere >= failuresInARowMax) throw everythingFails(error);
    bury(message, error, attempts);
  }

  // An invalid message blocks its key for what follows; what came before it in this batch is still given out.
  const wellFormed: FeedMessage[] = [];
  const invalidKeys = new Set<string>();
  for (const message of batch) {
    if (invalidKeys.has(message.key) || rules.blocked(message.key)) {
      parked.push({ message, state: 'waiting', attempts: 0 });
      continue;
    }
    const newest = inNewestVersion(message);
    if (!(newest instanceof Error)) {
      wellFormed.push(newest);
    } else {
      parked.push({ message, state: 'dead', error: newest, attempts: 1 });
      invalidKeys.add(message.key);
    }
  }
  await tryPart(wellFormed);
  const left = await retryManyDead(parked, handle);
  if (left.length < parked.length) succeeded();
  if (!somethingDone && failuresHere > 0 && rules.run.failures >= failuresInARowMax) throw everythingFails();
  return left;
}

/** The message as consumers know it, or why it can never be given to one: by another schema, or from a later release. */
function inNewestVersion(message: FeedMessage): FeedMessage | Error {
  const { type, schemaVersion, data } = message;
  const newest = publishedVersions.newest(type);
  if (schemaVersion > newest) return new UnknownVersion(message, newest);
  const errors = schemaErrors(type, schemaVersion, data);
  return errors.length > 0 ? new SchemaInvalid(errors) : publishedVersions.upcast(message);
}

/** Where several keys died, a fault may have come and gone meanwhile: each gets one more try, with what waits behind it. */
async function retryManyDead(parked: readonly ParkedMessage[], handle: Handle): Promise<readonly ParkedMessage[]> {
  const suspects = parked.filter(({ state, error }) => state === 'dead' && !isDefinite(error));
  if (suspects.length < 2) return parked;
  const cured = new Set<ParkedMessage>();
  for (const suspect of suspects) {
    const sameKey = parked.filter((letter) => letter.message.key === suspect.message.key);
    if (sameKey.some((letter) => isDefinite(letter.error))) continue;
    try {
      const inOrder = sameKey.map((letter) => letter.message).sort((a, b) => a.position - b.position);
      await handle(inOrder);
      for (const letter of sameKey) cured.add(letter);
    } catch (error) {
      if (isOutage(error)) throw error;
    }
  }
  return parked.filter((letter) => !cured.has(letter));
}

/** An error that no repetition cures. */
function isDefinite(error: unknown): boolean {
  return error instanceof SchemaInvalid || error instanceof UnknownVersion || error instanceof UnprocessableMessage;
}

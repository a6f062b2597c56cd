import { type Clock, isoTime } from '@tsunagu/kernel';
import type { Pool, PoolClient } from 'pg';
import { StoreError } from '../contract.js';
import { type Evaluated, evaluate } from '../evaluate.js';
import type { CheckedRequest } from '../requests.js';
import { joinedColumns } from './columns.js';
import { failureOf, outcomeUnknown, unavailable } from './failure.js';
import type { KnownRevisions } from './known-revisions.js';

const ATTEMPTS_MAX = 5;
const APPEND = {
  name: 'append_events',
  text: 'select append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)',
  rowMode: 'array' as const,
};
const EXAMINE = {
  name: 'examine_batch',
  text: 'select head, recorded, revisions from examine_batch($1, $2)',
  rowMode: 'array' as const,
};

/** head, [event id, position, stream] of what is recorded, [stream, last revision] of the streams that exist. */
type Examined = [string, [string, number, string][] | null, [string, number][] | null];

interface Session {
  readonly client: PoolClient;
  broken: boolean;
}

/** The statement failed, and whether its transaction took effect is not known. */
class AnswerLost extends Error {}

/** Commits one batch of requests in one transaction and says what became of each. */
export class Committer {
  constructor(
    private readonly pool: Pool,
    private readonly clock: Clock,
    private readonly known: KnownRevisions,
  ) {}

  /** One outcome a request. An outage is the outcome of every request of the batch. Never rejects. */
  async commit(requests: readonly CheckedRequest[]): Promise<readonly Evaluated[]> {
    let client: PoolClient;
    try {
      client = await this.pool.connect();
    } catch (error) {
      return requests.map(() => unavailable(error));
    }
    const session = { client, broken: false };
    const evaluated = await this.settle(session, requests);
    client.release(session.broken);
    return evaluated;
  }

  private async settle(session: Session, requests: readonly CheckedRequest[]): Promise<readonly Evaluated[]> {
    try {
      return await this.attempt(session.client, requests);
    } catch (error) {
      if (failureOf(error) === 'invalid') return this.isolateInvalid(session, requests, error);
      session.broken = true;
      const lost = error instanceof AnswerLost;
      return requests.map(() => (lost ? outcomeUnknown(error.cause) : unavailable(error)));
    }
  }

  /** The fast way where every expected revision is known to be reachable, else, or when it lost, the way of rules. */
  private async attempt(client: PoolClient, requests: readonly CheckedRequest[]): Promise<readonly Evaluated[]> {
    let checks = this.checksFor(requests);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const evaluated = checks && (await this.insertPlainly(client, requests, checks));
        if (evaluated) return evaluated;
        checks = undefined;
        return await this.insertByRules(client, requests);
      } catch (error) {
        const failure = failureOf(error);
        if (failure === 'violated' && checks) checks = undefined;
        else if (failure !== 'retry' || attempt >= ATTEMPTS_MAX) throw error;
      }
    }
  }

  /**
   * Streams whose expected revision this process has not seen, with that revision; undefined where some request
   * is sure not to be appended, so that a plain insert would be in vain.
   */
  private checksFor(requests: readonly CheckedRequest[]): Map<string, number> | undefined {
    const checks = new Map<string, number>();
    const written = new Map<string, number>();
    for (const { writes } of requests) {
      for (const { stream, expectedRevision, events } of writes) {
        const writtenRevision = written.get(stream);
        // A stream that is to be new cannot be expected too high: the unique constraint says whether it is.
        const leastRevision = writtenRevision ?? (expectedRevision < 0 ? expectedRevision : this.known.of(stream));
        if (expectedRevision < leastRevision) return undefined;
        if (expectedRevision > leastRevision) {
          if (writtenRevision !== undefined) return undefined;
          checks.set(stream, expectedRevision);
        }
        written.set(stream, expectedRevision + events.length);
      }
    }
    return checks;
  }

  /** One round trip, one implicit transaction. Undefined where a checked stream has not come so far. */
  private async insertPlainly(
    client: PoolClient,
    requests: readonly CheckedRequest[],
    checks: ReadonlyMap<string, number>,
  ): Promise<readonly Evaluated[] | undefined> {
    const firstPosition = await ending(this.insert(client, requests, checks));
    if (firstPosition === null) return undefined;
    let position = firstPosition;
    return requests.map((request) => {
      this.noteWritten(request);
      return { outcome: 'appended', positions: Array.from({ length: request.eventCount }, () => position++) };
    });
  }

  /** Holds the head's lock, reads what is recorded of the batch, applies the contract's rules, inserts what won. */
  private async insertByRules(client: PoolClient, requests: readonly CheckedRequest[]): Promise<readonly Evaluated[]> {
    await client.query('begin');
    try {
      const recorded = await examine(client, requests);
      const evaluated = evaluate(requests, recorded);
      const won = requests.filter((_, index) => isAppended(evaluated[index]));
      if (won.length > 0) await this.insert(client, won, new Map());
      await ending(client.query('commit'));
      requests.forEach((request, index) => {
        if (isAppended(evaluated[index])) this.noteWritten(request);
        else for (const { stream } of request.writes) this.known.note(stream, recorded.revisionOf(stream));
      });
      return evaluated;
    } catch (error) {
      if (failureOf(error) !== 'unknown') await client.query('rollback');
      throw error;
    }
  }

  /** A request that the server refuses for its values is found by halving, so that it fails alone. */
  private async isolateInvalid(
    session: Session,
    requests: readonly CheckedRequest[],
    error: unknown,
  ): Promise<readonly Evaluated[]> {
    if (requests.length === 1) {
      return [new StoreError('store.invalid_request', 'the database refused the request', { cause: error })];
    }
    const middle = requests.length >> 1;
    const first = await this.settle(session, requests.slice(0, middle));
    return [...first, ...(await this.settle(session, requests.slice(middle)))];
  }

  private async insert(
    client: PoolClient,
    requests: readonly CheckedRequest[],
    checks: ReadonlyMap<string, number>,
  ): Promise<number | null> {
    const checked = checks.size === 0 ? [null, null] : [[...checks.keys()].join('\n'), [...checks.values()].join('\n')];
    const values = [isoTime(this.clock.now()), ...checked, ...joinedColumns(requests)];
    const { rows } = await client.query<[string | null]>({ ...APPEND, values });
    const first = rows[0]?.[0] ?? null;
    return first === null ? null : Number(first);
  }

  private noteWritten(request: CheckedRequest): void {
    for (const { stream, expectedRevision, events } of request.writes) {
      this.known.advance(stream, expectedRevision + events.length);
    }
  }
}

function isAppended(evaluated: Evaluated | undefined): boolean {
  return evaluated !== undefined && !(evaluated instanceof StoreError) && evaluated.outcome === 'appended';
}

/** A statement that ends its transaction: when its answer does not come, what became of it is not known. */
async function ending<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    if (failureOf(error) === 'unknown') throw new AnswerLost('no answer', { cause: error });
    throw error;
  }
}

async function examine(client: PoolClient, requests: readonly CheckedRequest[]) {
  const streams = new Set<string>();
  const ids: string[] = [];
  for (const { writes } of requests) {
    for (const { stream, events } of writes) {
      streams.add(stream);
      for (const { event } of events) ids.push(event.id);
    }
  }
  const values = [ids.join('\n'), [...streams].join('\n')];
  const { rows } = await client.query<Examined>({ ...EXAMINE, values });
  const [head, recorded, last] = rows[0] ?? ['0', null, null];
  const positions = new Map(recorded?.map(([id, position, stream]) => [id, { position, stream }]));
  const revisions = new Map(last);
  return {
    head: Number(head),
    positionOf: (id: string) => positions.get(id),
    revisionOf: (stream: string) => revisions.get(stream) ?? -1,
  };
}

import { type Projection, ProjectionRunner, type ProjectionStatus } from '@tsunagu/event-store';
import type { ProjectionReader, ServiceParts } from './parts.js';

const WAIT_MS = 2_000;

/** The running projections of one service: each follows every log of it. */
export class ProjectionSet implements ProjectionReader {
  /** By projection, then in the order of the logs. */
  private readonly runners: ReadonlyMap<string, readonly ProjectionRunner[]>;
  private readonly logs: NonNullable<ServiceParts['logs']>;

  constructor(projections: readonly Projection[], parts: Pick<ServiceParts, 'database' | 'log' | 'logs' | 'logger'>) {
    const { database: pool, logger } = parts;
    this.logs = parts.logs ?? [parts.log];
    this.runners = new Map(
      projections.map((projection) => [
        projection.name,
        this.logs.map((log) => new ProjectionRunner({ pool, log, projection, logger })),
      ]),
    );
  }

  async waitFor(name: string, position?: number, timeoutMs = WAIT_MS): Promise<boolean> {
    const runners = this.runners.get(name);
    if (!runners) throw new Error(`${name} is not a projection of this service`);
    if (position !== undefined) return runners[0]?.waitFor(position, timeoutMs) ?? false;
    return reached(runners, await this.heads(), timeoutMs);
  }

  async waitForAll(timeoutMs = WAIT_MS): Promise<boolean> {
    const heads = await this.heads();
    const all = [...this.runners.values()].map((runners) => reached(runners, heads, timeoutMs));
    if (!(await Promise.all(all)).every(Boolean)) return false;
    await Promise.all(this.all().map((runner) => runner.store()));
    return true;
  }

  start(): void {
    for (const runner of this.all()) runner.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.all().map((runner) => runner.stop()));
  }

  status(): Promise<readonly ProjectionStatus[]> {
    return Promise.all(this.all().map((runner) => runner.status()));
  }

  /** Projections that cannot go on. */
  async reasons(): Promise<readonly string[]> {
    const states = await this.status().catch(() => []);
    return states.flatMap(({ name, log, lastError }) => {
      const where = this.logs.length > 1 ? ` in log ${log}` : '';
      return lastError === undefined ? [] : [`projection ${name} is stopped by an error${where}`];
    });
  }

  private all(): ProjectionRunner[] {
    return [...this.runners.values()].flat();
  }

  private heads(): Promise<readonly number[]> {
    return Promise.all(this.logs.map((log) => log.head()));
  }
}

/** Whether the runners of one projection have come to the heads of their logs. */
async function reached(runners: readonly ProjectionRunner[], heads: readonly number[], timeoutMs: number) {
  const waits = runners.map((runner, index) => runner.waitFor(heads[index] ?? 0, timeoutMs));
  return (await Promise.all(waits)).every(Boolean);
}

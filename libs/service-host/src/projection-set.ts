import { type Projection, ProjectionRunner, type ProjectionStatus } from '@tsunagu/event-store';
import type { ProjectionReader, ServiceParts } from './parts.js';

const WAIT_MS = 2_000;

/** The running projections of one service. */
export class ProjectionSet implements ProjectionReader {
  private readonly runners: ReadonlyMap<string, ProjectionRunner>;

  constructor(
    projections: readonly Projection[],
    private readonly parts: Pick<ServiceParts, 'database' | 'log' | 'logger'>,
  ) {
    const { database: pool, log, logger } = parts;
    this.runners = new Map(
      projections.map((projection) => [projection.name, new ProjectionRunner({ pool, log, projection, logger })]),
    );
  }

  async waitFor(name: string, position?: number, timeoutMs = WAIT_MS): Promise<boolean> {
    const runner = this.runners.get(name);
    if (!runner) throw new Error(`${name} is not a projection of this service`);
    return runner.waitFor(position ?? (await this.parts.log.head()), timeoutMs);
  }

  async waitForAll(timeoutMs = WAIT_MS): Promise<boolean> {
    const head = await this.parts.log.head();
    const reached = await Promise.all([...this.runners.values()].map((runner) => runner.waitFor(head, timeoutMs)));
    return reached.every(Boolean);
  }

  start(): void {
    for (const runner of this.runners.values()) runner.start();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.runners.values()].map((runner) => runner.stop()));
  }

  status(): Promise<readonly ProjectionStatus[]> {
    return Promise.all([...this.runners.values()].map((runner) => runner.status()));
  }

  /** Projections that cannot go on. */
  async reasons(): Promise<readonly string[]> {
    const states = await this.status().catch(() => []);
    return states.flatMap((state) => (state.lastError ? [`projection ${state.name} is stopped by an error`] : []));
  }
}

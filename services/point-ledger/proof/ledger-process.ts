import { Grants } from '../src/workflows/grants.js';
import { WorkerSlot } from '../src/workflows/worker-slot.js';

/** A worker number that no lock stands behind. */
export class FixedSlot extends WorkerSlot {
  constructor(private readonly own: number) {
    super(undefined as never);
  }

  override async number(): Promise<number> {
    return this.own;
  }
}

/** The real workflow, with parts so small that a batch of a few claims is several of them, under way at the same time. */
export class GrantsInSmallParts extends Grants {
  protected override readonly partClaimsMax = 2;
  protected override readonly nextPartClaimsMin = 1;

  /** A call may fail while other parts of it are still being recorded: resolves when they are. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }
}

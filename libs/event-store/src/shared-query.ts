interface Waiting<Item, Answer> {
  readonly items: readonly Item[];
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** Items in one query. */
const BATCH_ITEMS_MAX = 2_000;
/** Queries at the same moment. */
const QUERIES_MAX = 2;
/** A second query begins beside the first only when so many callers wait: few wait and share the next one. */
const SECOND_QUERY_CALLERS = 64;

/**
 * Asks for many callers with few queries: what is asked for while a query runs goes into the next one. A query always
 * starts after the call, so a caller sees everything that was committed before it asked, whoever committed it.
 */
export class SharedQuery<Item, Answer> {
  private waiting: Waiting<Item, Answer>[] = [];
  private running = 0;

  constructor(private readonly query: (items: readonly Item[]) => Promise<Answer>) {}

  /** The answer to a query for these items and those of other callers. */
  ask(items: readonly Item[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ items, resolve, reject });
      // The requests that arrived in the same turn of the event loop share the first query too.
      if (this.waiting.length === 1) setImmediate(() => this.next());
      else if (this.waiting.length === SECOND_QUERY_CALLERS) this.next();
    });
  }

  private next(): void {
    if (this.running >= QUERIES_MAX || this.waiting.length === 0) return;
    if (this.running > 0 && this.waiting.length < SECOND_QUERY_CALLERS) return;
    let count = 0;
    let items = 0;
    for (const caller of this.waiting) {
      if (count > 0 && items + caller.items.length > BATCH_ITEMS_MAX) break;
      items += caller.items.length;
      count += 1;
    }
    const callers = this.waiting.splice(0, count);
    void this.run(callers);
  }

  private async run(callers: readonly Waiting<Item, Answer>[]): Promise<void> {
    this.running += 1;
    try {
      const answer = await this.query(callers.flatMap((caller) => caller.items));
      for (const caller of callers) caller.resolve(answer);
    } catch (error) {
      for (const caller of callers) caller.reject(error);
    }
    this.running -= 1;
    // When its callers have gone on: what comes in meanwhile is asked with the rest.
    setImmediate(() => this.next());
  }
}

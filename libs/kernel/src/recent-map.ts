/**
 * A bounded memory of what was used lately, in two generations: when the newer one is full it becomes the older one, and what
 * nobody asked for meanwhile is forgotten with that. A Map that drops its oldest entry at each new one costs more the larger
 * it is: it walks over the places of all that were dropped before.
 */
export class RecentMap<K, V> {
  private newer = new Map<K, V>();
  private older = new Map<K, V>();
  private weight = 0;

  /** Keeps between one and two generations; `weigh`: what a value counts for, 1 where absent. */
  constructor(
    private readonly generationWeight: number,
    private readonly weigh: (value: V) => number = () => 1,
  ) {}

  get(key: K): V | undefined {
    const known = this.newer.get(key);
    if (known !== undefined) return known;
    const old = this.older.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    const before = this.newer.get(key);
    this.weight += this.weigh(value) - (before === undefined ? 0 : this.weigh(before));
    this.newer.set(key, value);
    if (this.weight < this.generationWeight) return;
    this.older = this.newer;
    this.newer = new Map();
    this.weight = 0;
  }

  delete(key: K): void {
    const before = this.newer.get(key);
    if (before !== undefined) this.weight -= this.weigh(before);
    this.newer.delete(key);
    this.older.delete(key);
  }

  clear(): void {
    this.newer.clear();
    this.older.clear();
    this.weight = 0;
  }
}

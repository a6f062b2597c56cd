/**
 * A map that is never changed and cheap to grow: with one more key it shares all that the one before it has, which goes on
 * without that key. Only a known key's new value, or a second way to grow from one map, copies.
 */
export class GrownMap<K, V> implements ReadonlyMap<K, V> {
  readonly size: number;
  /** Keys in the order added; the first `size` are this map's, later ones belong to maps grown from it. */
  readonly #shared: Map<K, { readonly place: number; readonly value: V }>;

  private constructor(shared: Map<K, { readonly place: number; readonly value: V }>, size: number) {
    this.#shared = shared;
    this.size = size;
  }

  static from<K, V>(entries: Iterable<readonly [K, V]>): GrownMap<K, V> {
    const shared = new Map<K, { place: number; value: V }>();
    for (const [key, value] of entries) shared.set(key, { place: shared.get(key)?.place ?? shared.size, value });
    return new GrownMap(shared, shared.size);
  }

  with(key: K, value: V): GrownMap<K, V> {
    // Nobody grows what all empty maps are.
    if (this.size === 0) return GrownMap.from([[key, value]]);
    if (this.#shared.size > this.size || this.#shared.has(key)) return GrownMap.from([...this, [key, value]]);
    this.#shared.set(key, { place: this.size, value });
    return new GrownMap(this.#shared, this.size + 1);
  }

  get(key: K): V | undefined {
    const found = this.#shared.get(key);
    return found && found.place < this.size ? found.value : undefined;
  }

  has(key: K): boolean {
    const found = this.#shared.get(key);
    return found !== undefined && found.place < this.size;
  }

  *entries(): MapIterator<[K, V]> {
    for (const [key, { place, value }] of this.#shared) {
      if (place >= this.size) return;
      yield [key, value];
    }
  }

  *keys(): MapIterator<K> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }

  forEach(callback: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) callback(value, key, this);
  }
}

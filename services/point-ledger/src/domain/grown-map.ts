/** Keys in the order added; a map's own are the first `size`, later ones belong to maps grown from it. */
interface Shared<K, V> {
  readonly keys: K[];
  readonly values: V[];
  /** Where each key is. Made when there are many: most accounts have a few, and a Map of a few takes more room than they do. */
  places: Map<K, number> | undefined;
}

const FEW = 8;

/**
 * A map that is never changed and cheap to grow: with one more key it shares all that the one before it has, which goes on
 * without that key. Only a known key's new value, or a second way to grow from one map, copies.
 */
export class GrownMap<K, V> implements ReadonlyMap<K, V> {
  readonly size: number;
  readonly #shared: Shared<K, V>;

  private constructor(shared: Shared<K, V>, size: number) {
    this.#shared = shared;
    this.size = size;
  }

  static from<K, V>(entries: Iterable<readonly [K, V]>): GrownMap<K, V> {
    const shared: Shared<K, V> = { keys: [], values: [], places: undefined };
    for (const [key, value] of entries) {
      const place = placeOf(shared, key);
      if (place === undefined) add(shared, key, value);
      else shared.values[place] = value;
    }
    return new GrownMap(shared, shared.keys.length);
  }

  with(key: K, value: V): GrownMap<K, V> {
    const shared = this.#shared;
    // Nobody grows what all empty maps are.
    if (this.size === 0) return new GrownMap({ keys: [key], values: [value], places: undefined }, 1);
    if (shared.keys.length > this.size || placeOf(shared, key) !== undefined) {
      return GrownMap.from([...this, [key, value]]);
    }
    add(shared, key, value);
    return new GrownMap(shared, this.size + 1);
  }

  get(key: K): V | undefined {
    const place = placeOf(this.#shared, key);
    return place !== undefined && place < this.size ? this.#shared.values[place] : undefined;
  }

  has(key: K): boolean {
    const place = placeOf(this.#shared, key);
    return place !== undefined && place < this.size;
  }

  *entries(): MapIterator<[K, V]> {
    for (let place = 0; place < this.size; place += 1) {
      yield [this.#shared.keys[place] as K, this.#shared.values[place] as V];
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

function placeOf<K>({ keys, places }: Shared<K, unknown>, key: K): number | undefined {
  if (places) return places.get(key);
  const place = keys.indexOf(key);
  return place < 0 ? undefined : place;
}

function add<K, V>(shared: Shared<K, V>, key: K, value: V): void {
  shared.places?.set(key, shared.keys.length);
  shared.keys.push(key);
  shared.values.push(value);
  if (!shared.places && shared.keys.length > FEW) {
    shared.places = new Map(shared.keys.map((known, place) => [known, place]));
  }
}

/**
 * A list that is never changed and cheap to grow: with one more value it shares all that the one before it has, which goes on
 * without that value. Only a second way to grow from one list copies.
 */
export class GrownList<T> implements Iterable<T> {
  readonly length: number;
  /** The first `length` are this list's, later ones belong to lists grown from it. */
  readonly #shared: T[];

  private constructor(shared: T[], length: number) {
    this.#shared = shared;
    this.length = length;
  }

  static from<T>(values: Iterable<T>): GrownList<T> {
    const shared = [...values];
    return new GrownList(shared, shared.length);
  }

  with(value: T): GrownList<T> {
    // Nobody grows what all empty lists are.
    if (this.length === 0 || this.#shared.length > this.length) return GrownList.from([...this, value]);
    this.#shared.push(value);
    return new GrownList(this.#shared, this.length + 1);
  }

  /** Undefined past the end. */
  at(index: number): T | undefined {
    return index < this.length ? this.#shared[index] : undefined;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#shared.slice(0, this.length).values();
  }
}

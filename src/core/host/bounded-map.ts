/** A map for what a process remembers: above the limit it drops the entries that were set longest ago. */
export class BoundedMap<K, V> extends Map<K, V> {
  readonly #maxEntries: number

  /** @param maxEntries at least 1 */
  constructor(maxEntries: number) {
    super()
    this.#maxEntries = maxEntries
  }

  override set(key: K, value: V): this {
    this.delete(key)
    // The first key is the oldest, because setting a key again moves it to the end.
    for (const oldest of this.keys()) {
      if (this.size < this.#maxEntries) break
      this.delete(oldest)
    }
    return super.set(key, value)
  }
}

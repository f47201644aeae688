/**
 * Which folios were mlocked more than once at a time. Of these Linux may count too few: what is not on an
 * LRU list yet when it works off the pages to be mlocked, 31 of them at a time, is mlocked uncounted.
 */
export class MlockRecord extends Map<number, number> {
  readonly #repeated = new Set<number>();

  override set(head: number, count: number): this {
    if (count > 1) this.#repeated.add(head);
    return super.set(head, count);
  }

  wasRepeated(head: number): boolean {
    return this.#repeated.has(head);
  }
}

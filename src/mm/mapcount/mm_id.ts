/**
 * Who maps a large folio, by two slots: the first two address spaces that map it are counted by name.
 *
 * That is enough to know for sure that one only maps it, as long as no more than two ever did at a time;
 * after that it may say `shared` of what is not, never the reverse.
 *
 * @source include/linux/rmap.h folio_set_large_mapcount(), folio_add_large_mapcount(),
 *         folio_sub_large_mapcount() (Linux 6.15)
 * @omits  large numbers of maps: a slot does not overflow
 */
import { assert } from '../../base/assert.ts';
import type { MapCountScheme } from './map_count_scheme.ts';

/** No address space. */
const FREE = 0;

export class MmIdCount implements MapCountScheme {
  readonly name = 'MM-ID: two slots';
  /** Counts are one less than there are, as in the kernel: -1 is none. */
  #total = -1;
  readonly #slots: readonly { id: number; count: number }[] = [
    { id: FREE, count: -1 },
    { id: FREE, count: -1 },
  ];
  #isMaybeShared = false;

  /** Each small page is one map, also if one entry maps them all. */
  map(mm: number, _first: number, pages: number): void {
    this.add(mm, pages);
  }

  unmap(mm: number, _first: number, pages: number): void {
    this.remove(mm, pages);
  }

  /** @param mm not 0, which is nobody */
  add(mm: number, maps: number): void {
    assert(mm !== FREE, 'an address space that maps a folio has a number');
    this.#total += maps;
    const own = this.#slots.find(({ id }) => id === mm);
    if (own !== undefined) {
      own.count += maps;
      return;
    }
    const [first, second] = this.#slots as [
      { id: number; count: number },
      { id: number; count: number },
    ];
    const free = first.id === FREE ? first : second.id === FREE ? second : undefined;
    if (free === undefined) {
      assert(this.#isMaybeShared, 'who finds no slot comes after others');
      return;
    }
    free.id = mm;
    free.count = maps - 1;
    if (free === second || this.#total !== maps - 1) this.#isMaybeShared = true;
  }

  remove(mm: number, maps: number): void {
    this.#total -= maps;
    const own = this.#slots.find(({ id }) => id === mm);
    if (own !== undefined) {
      own.count -= maps;
      if (own.count >= 0) return;
      own.id = FREE;
      own.count = -1;
    }
    if (this.#slots.some(({ count }) => count === this.#total)) this.#isMaybeShared = false;
  }

  mapcount(): number {
    return this.#total + 1;
  }

  /** Which address spaces have slots. */
  owners(): number[] {
    return this.#slots.flatMap(({ id }) => (id === FREE ? [] : [id]));
  }

  /** @source include/linux/mm.h folio_maybe_mapped_shared() */
  isShared(_page: number): boolean {
    return this.#total > 0 && this.#isMaybeShared;
  }

  isExclusive(page: number): boolean {
    return this.#total >= 0 && !this.isShared(page);
  }

  /** All of it lies in the second `struct page`. */
  lastStructPage(_first: number, _pages: number): number {
    return 1;
  }
}

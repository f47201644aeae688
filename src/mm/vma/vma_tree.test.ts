import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Vma } from './vma.ts';
import { VmaTree } from './vma_tree.ts';

const PAGES = 200;

/** Trees of up to 40 VMAs, given by their places; what overlaps is left out. */
const places = fc.array(fc.tuple(fc.nat(PAGES - 1), fc.integer({ min: 1, max: 12 })), {
  maxLength: 40,
});

/** A tree and, for each page, the VMA that has it. */
function build(list: readonly (readonly [number, number])[]): {
  readonly tree: VmaTree;
  readonly pages: (Vma | undefined)[];
} {
  const tree = new VmaTree();
  const pages: (Vma | undefined)[] = Array.from({ length: PAGES });
  list.forEach(([start, length], index) => {
    const end = Math.min(PAGES, start + length);
    const taken = pages.slice(start, end).find((vma) => vma !== undefined);
    // Every third place that is taken is given up, or cut at its end.
    if (taken !== undefined) {
      if (index % 3 === 0) {
        tree.remove(taken);
        pages.fill(undefined, taken.start, taken.end);
      } else if (taken.end - taken.start > 1) {
        pages[taken.end - 1] = undefined;
        tree.resize(taken, taken.start, taken.end - 1);
      }
      return;
    }
    const vma = {
      start,
      end,
      flags: 0,
      file: undefined,
      pgoff: 0,
      anonVma: undefined,
      id: 0,
      chain: [],
    };
    tree.insert(vma);
    pages.fill(vma, start, end);
  });
  return { tree, pages };
}

test('VMAs are found by the pages they have', () => {
  fc.assert(
    fc.property(places, fc.nat(PAGES - 1), fc.nat(PAGES), (list, page, end) => {
      const { tree, pages } = build(list);
      const distinct = (part: readonly (Vma | undefined)[]): Vma[] =>
        [...new Set(part)].filter((vma) => vma !== undefined);
      assert.equal(tree.size, distinct(pages).length);
      assert.deepEqual(tree.all(), distinct(pages));
      assert.deepEqual(tree.within(page, end), distinct(pages.slice(page, end)));
      assert.equal(tree.at(page), pages[page]);
      assert.equal(tree.find(page), distinct(pages.slice(page))[0]);
      assert.equal(
        tree.below(page),
        distinct(pages).findLast((vma) => vma.end <= page),
      );
    }),
    { numRuns: 500 },
  );
});

test('gaps are found as by looking at every page', () => {
  const bounds = fc.tuple(fc.nat(PAGES), fc.nat(PAGES), fc.integer({ min: 1, max: 30 }));
  fc.assert(
    fc.property(places, bounds, (list, [low, high, length]) => {
      const { tree, pages } = build(list);
      const starts = Array.from({ length: PAGES }, (_, page) => page).filter(
        (start) =>
          start >= low &&
          start + length <= high &&
          pages.slice(start, start + length).every((vma) => vma === undefined),
      );
      const highest = starts.at(-1);
      assert.equal(tree.lowestGap(length, low, high), starts[0]);
      const end = highest === undefined ? undefined : highest + length;
      assert.equal(tree.highestGap(length, low, high), end);
    }),
    { numRuns: 500 },
  );
});

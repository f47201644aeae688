/**
 * The order in which the kernel meets the VMAs of a file: by the first page that they map; where that
 * is the same, as they came. It decides whose table is shared, and who pays for pages that go.
 *
 * @source lib/interval_tree.c, mm/interval_tree.c vma_interval_tree_insert_after() (Linux 6.18)
 */
import type { Inode } from '../file/inode.ts';
import type { Mm } from '../vma/mm.ts';
import type { Vma } from '../vma/vma.ts';

/** Called under i_mmap_rwsem. */
export function mappingsInOrder({ mappings }: Inode): [Vma, Mm][] {
  return [...mappings].sort(([one], [other]) => one.pgoff - other.pgoff);
}

/** A VMA that fork has made comes right behind that of the parent. Called under i_mmap_rwsem. */
export function placeBehind({ mappings }: Inode, vma: Vma, parent: Vma): void {
  const all = [...mappings].filter(([other]) => other !== vma);
  const mm = mappings.get(vma)!;
  mappings.clear();
  for (const [other, its] of all) {
    mappings.set(other, its);
    if (other === parent) mappings.set(vma, mm);
  }
}

/** A VMA whose bounds change is taken out and put in again. Called under i_mmap_rwsem. */
export function placeAnew({ mappings }: Inode, vma: Vma): void {
  const mm = mappings.get(vma)!;
  mappings.delete(vma);
  mappings.set(vma, mm);
}

/** Copying a page for the child at once. @source mm/memory.c copy_present_page() (Linux 6.18) */
import { writtenFlags } from '../fault/anonymous.ts';
import { copyContent } from '../fault/wp_copy.ts';
import { mapNewAnonymous } from '../rmap/map_count.ts';
import { setMapped } from '../table/mapped_entry.ts';
import { flagsOfWp, WpChange } from '../userfaultfd/wp_change.ts';
import { Rss } from '../vma/mm.ts';
import { VM } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { setting, writing } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import type { Copy } from './copy_page_range.ts';

/** Gives the child a page of its own, as the first write to it would; false if a frame is missing. */
export function* copyPinned(
  copy: Copy,
  to: number,
  page: number,
  frame: number,
  isWp = false,
): Op<boolean> {
  const { child, spare, to: vma } = copy;
  const { machine } = copy.task;
  if (spare === NONE) return false;
  copy.spare = NONE;
  yield* copyContent(machine, frame, spare);
  yield writing(machine.objects.frame(spare));
  mapNewAnonymous(machine, spare, vma, page);
  child.rss[Rss.ANON]!++;
  yield setting(machine.objects.entry(to));
  const flags = writtenFlags(vma);
  const isNoted = isWp && (vma.flags & VM.UFFD_WP) !== 0;
  setMapped(machine, to, spare, isNoted ? flagsOfWp(flags, WpChange.PROTECT) : flags);
  return true;
}

/**
 * What an entry says that its page is.
 *
 * @source fs/proc/task_mmu.c pagemap_page_category(), pagemap_thp_category(),
 *         pagemap_hugetlb_category() (Linux 6.18)
 */
import { UFFD_WP } from '../../arch/index.ts';
import { PageIs } from '../../uapi/pagemap.ts';
import { headOf } from '../page/frame.ts';
import { isAnonymousFrame } from '../rmap/map_count.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { isNoneAt } from '../table/pgtable.ts';
import {
  isWpMarkerAt,
  Marker,
  SoftFlag,
  SoftKind,
  softFlagsAt,
  softKindAt,
  softValueAt,
} from '../table/soft_entry.ts';
import { FrameFlag, type World } from '../world/world.ts';

/** Whether an entry notes write protection for userfaultfd, be it of a page or of none. */
export function isUffdWpAt(world: World, slot: number, level: number): boolean {
  if (isMappedAt(world, slot, level)) return (mappedFlagsAt(world, slot) & UFFD_WP) !== 0;
  if (isWpMarkerAt(world, slot)) return true;
  return softKindAt(world, slot) !== 0 && (softFlagsAt(world, slot) & SoftFlag.UFFD_WP) !== 0;
}

/** Of an entry for a small page, or a transparent huge one. What is not there was written to. */
export function pageCategories(world: World, slot: number, level: number): number {
  const huge = level > 0 ? PageIs.HUGE : 0;
  const written = isUffdWpAt(world, slot, level) ? 0 : PageIs.WRITTEN;
  if (isMappedAt(world, slot, level)) {
    return (
      PageIs.PRESENT | huge | written | frameCategories(world, mappedFrameAt(world, slot, level))
    );
  }
  if (isNoneAt(world, slot)) return huge | written;
  return PageIs.SWAPPED | huge | written | softCategories(world, slot);
}

/** Of an entry of hugetlb. What is not there is only huge, and never a page of a file. */
export function hugetlbCategories(world: World, slot: number, level: number): number {
  if (isNoneAt(world, slot)) return PageIs.HUGE;
  const written = isUffdWpAt(world, slot, level) ? 0 : PageIs.WRITTEN;
  if (!isMappedAt(world, slot, level)) return PageIs.HUGE | PageIs.SWAPPED | written;
  const frame = mappedFrameAt(world, slot, level);
  return PageIs.HUGE | PageIs.PRESENT | written | frameCategories(world, frame);
}

function frameCategories(world: World, frame: number): number {
  if ((world.frameFlags[headOf(world, frame)]! & FrameFlag.RESERVED) !== 0) return PageIs.PFNZERO;
  return isAnonymousFrame(world, frame) ? 0 : PageIs.FILE;
}

function softCategories(world: World, slot: number): number {
  const value = softValueAt(world, slot);
  switch (softKindAt(world, slot)) {
    case SoftKind.MARKER:
      return (value & Marker.GUARD) === 0 ? 0 : PageIs.GUARD;
    case SoftKind.MIGRATION:
      return isAnonymousFrame(world, value) ? 0 : PageIs.FILE;
    default:
      return 0;
  }
}

/**
 * Where a region is attached: as a whole, at 512 GiB.
 *
 * @source v3 07/22 msharefs_get_unmapped_area(), v3 18/22 mshare_has_owner()
 */
import type { PlaceRequest } from '../../mm/design/design.ts';
import type { Task } from '../../mm/task.ts';
import type { Mm } from '../../mm/vma/mm.ts';
import { pagesOf } from '../../mm/vma/pages.ts';
import { highestArea, lowestArea } from '../../mm/vma/unmapped_area.ts';
import { type MappedFile, startWithGap } from '../../mm/vma/vma.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading } from '../../mm/world/point.ts';
import { EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { alignment, pagesOfRegion, regionOfInode } from './region.ts';
import type { MshareVariant } from './variant.ts';

/** The search leaves out page 0 only, whatever vm.mmap_min_addr is. */
const LOWEST = 1;

/** Called under the mmap write lock. @returns a page, or a negative errno */
export function* place(
  variant: MshareVariant,
  { machine, mm }: Task,
  { inode }: MappedFile,
  { address, pages, isFixed, isPrivate }: PlaceRequest,
): Op<number> {
  // The core looks at this first, whatever is mapped.
  if (pages > mm.layout.taskSize) return ENOMEM;
  if (isPrivate) return EINVAL;
  yield reading(machine.objects.pages(inode.id));
  const region = regionOfInode(machine, inode)!;
  if (!region.isSized || (variant.hasOwner && region.owner === undefined)) return EINVAL;
  if (pages !== pagesOfRegion(region)) return EINVAL;
  const span = alignment(machine.format);
  if (isFixed) {
    if (address % (span * PAGE_BYTES) !== 0) return EINVAL;
    const start = address / PAGE_BYTES;
    return start > mm.layout.taskSize - pages ? ENOMEM : start;
  }
  const wish = wished(mm, address, pages, span);
  return wish > 0 ? wish : search(mm, pages, span);
}

/** The next 512 GiB from a hint on, if they are free; 0 if not. */
function wished(mm: Mm, address: number, pages: number, span: number): number {
  if (address <= 0) return 0;
  const start = Math.ceil(pagesOf(address) / span) * span;
  if (start > mm.layout.taskSize - pages || start < mm.layout.minAddress) return 0;
  const next = mm.vmas.find(start);
  return next === undefined || start + pages <= startWithGap(next) ? start : 0;
}

/** A gap has to have room for any shift to the next 512 GiB. From the top, then from the bottom. */
function search(mm: Mm, pages: number, span: number): number {
  const room = pages + span - 1;
  const { mmapBase, taskSize } = mm.layout;
  const high = highestArea(mm, room, LOWEST, mmapBase);
  if (high >= 0) return Math.floor((high + span - 1) / span) * span;
  const low = lowestArea(mm, room, mmapBase, taskSize);
  return low < 0 ? low : Math.ceil(low / span) * span;
}

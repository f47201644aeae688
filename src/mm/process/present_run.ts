/**
 * Neighbouring entries that fork copies in one go: present, with the same flags.
 *
 * @source mm/memory.c __copy_present_ptes() (Linux 6.18)
 */
import type { LeafFlags } from '../../arch/index.ts';
import type { Witness } from '../../trace/index.ts';
import { ZERO_FRAME } from '../page/frame.ts';
import { maybeDmaPinned } from '../rmap/dup_rmap.ts';
import { addLargeMaps, LARGE } from '../rmap/large_mapcount.ts';
import { rssKindOf } from '../rmap/map_count.ts';
import { type Mm, Rss } from '../vma/mm.ts';
import { tellEntry } from '../world/tell.ts';
import { FrameFlag, type World } from '../world/world.ts';

/**
 * Lets `child` have the pages of entries of `parent`, from `slot` on, as well, `most` at most: none of
 * them is exclusive any more. The first one is present.
 *
 * Called under the lock of the parent's table, between the two changes of write_protect_seq.
 *
 * @returns how many: it ends before an entry with other flags, and before a page that may be pinned,
 *          and has to be copied instead
 */
export function shareRun(world: World, parent: Mm, child: Mm, slot: number, most: number): number {
  const { format, frameFlags, frameIndex, frameMapcount, frameReferences, lanes } = world;
  const { EXCLUSIVE, TAIL } = FrameFlag;
  const { hasPinned } = parent;
  const { frameShift } = format;
  const { low: frameBitsLow, high: frameBitsHigh } = format.frameBits(0);
  const first = (slot * 2) | 0;
  const end = (first + most * 2) | 0;
  const flagsLow = lanes[first]! & ~frameBitsLow;
  const flagsHigh = lanes[first + 1]! & ~frameBitsHigh;
  let exclusive = 0;
  let at = first;
  for (; at < end; at += 2) {
    const low = lanes[at]!;
    const high = lanes[at + 1]!;
    if ((low & ~frameBitsLow) !== flagsLow || (high & ~frameBitsHigh) !== flagsHigh) break;
    const isLow = (high & frameBitsHigh) === 0;
    const frame = isLow ? (low & frameBitsLow) >>> frameShift : format.frame(low, high, 0) | 0;
    if (frame === ZERO_FRAME) continue;
    const flags = frameFlags[frame]!;
    const head = (flags & TAIL) === 0 ? frame : frameIndex[frame]!;
    if ((flags & EXCLUSIVE) === 0) child.rss[rssKindOf(world, frame)]!++;
    else if (hasPinned && maybeDmaPinned(world, head)) break;
    else {
      // Only private pages are exclusive.
      exclusive++;
      frameFlags[frame] = flags & ~EXCLUSIVE;
    }
    frameReferences[head]!++;
    frameMapcount[frame]!++;
    if ((flags & LARGE) !== 0) addLargeMaps(world, child, head, 1);
  }
  child.rss[Rss.ANON]! += exclusive;
  return (at - first) >> 1;
}

/** Makes `count` entries from `slot` on, which say `flags`, say `wanted`. */
export function changeRun(
  world: World,
  slot: number,
  count: number,
  flags: LeafFlags,
  wanted: LeafFlags,
): void {
  const { format, lanes, trace } = world;
  const low = format.flagBitsLow(flags) ^ format.flagBitsLow(wanted);
  const high = format.flagBitsHigh(flags) ^ format.flagBitsHigh(wanted);
  if (trace !== undefined) tellRun(trace, world, slot, slot, count, low, high);
  const start = (slot * 2) | 0;
  const end = (start + count * 2) | 0;
  // Most formats have the flags that change in one of the two lanes.
  if (low !== 0) for (let at = start; at < end; at += 2) lanes[at]! ^= low;
  if (high !== 0) for (let at = start + 1; at < end; at += 2) lanes[at]! ^= high;
}

/** Copies `count` entries from the slot `from` on, which say `flags`; the copies say `wanted`. */
export function copyRun(
  world: World,
  from: number,
  to: number,
  count: number,
  flags: LeafFlags,
  wanted: LeafFlags,
): void {
  const { format, lanes, trace } = world;
  const low = format.flagBitsLow(flags) ^ format.flagBitsLow(wanted);
  const high = format.flagBitsHigh(flags) ^ format.flagBitsHigh(wanted);
  if (trace !== undefined) tellRun(trace, world, from, to, count, low, high);
  const start = (from * 2) | 0;
  const distance = ((to - from) * 2) | 0;
  const end = (start + count * 2) | 0;
  for (let at = start; at < end; at += 2) {
    lanes[at + distance] = lanes[at]! ^ low;
    lanes[at + distance + 1] = lanes[at + 1]! ^ high;
  }
}

/** `count` entries from `to` on are about to say what those from `from` on say, with bits turned. */
function tellRun(
  trace: Witness,
  world: World,
  from: number,
  to: number,
  count: number,
  low: number,
  high: number,
): void {
  const { lanes } = world;
  for (let at = from * 2; at < (from + count) * 2; at += 2) {
    const slot = to - from + at / 2;
    tellEntry(trace, world, slot, lanes[at]! ^ low, lanes[at + 1]! ^ high);
  }
}

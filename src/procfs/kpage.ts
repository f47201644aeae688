/**
 * /proc/kpagecount and /proc/kpageflags: 64 bits a frame. Page tables lie behind the frames of data.
 *
 * @source fs/proc/page.c kpagecount_read(), stable_page_flags() (Linux 6.18);
 *         include/uapi/linux/kernel-page-flags.h
 * @omits  LRU lists, KPF_REFERENCED, KPF_ACTIVE: what is mlocked is on the list of what is not evictable
 */
import { FrameFlag, headOf, type Machine, ORDER_MAX, orderOf, ZERO_FRAME } from '../mm/index.ts';
import { isFolioMapped, isHugeZeroFrame, mapcountOf } from './frames.ts';
import type { WordFile } from './word_file.ts';

/** Bits of the lower half. */
export const KPF = {
  LOCKED: 2 ** 0,
  UPTODATE: 2 ** 3,
  DIRTY: 2 ** 4,
  BUDDY: 2 ** 10,
  MMAP: 2 ** 11,
  ANON: 2 ** 12,
  SWAPCACHE: 2 ** 13,
  SWAPBACKED: 2 ** 14,
  COMPOUND_HEAD: 2 ** 15,
  COMPOUND_TAIL: 2 ** 16,
  UNEVICTABLE: 2 ** 18,
  THP: 2 ** 22,
  ZERO_PAGE: 2 ** 24,
  PGTABLE: 2 ** 26,
} as const;
/** Bits of the upper half. */
const RESERVED = 2 ** 0;
const MLOCKED = 2 ** 1;

const COPIED: readonly (readonly [flag: number, bit: number])[] = [
  [FrameFlag.LOCKED, KPF.LOCKED],
  [FrameFlag.UPTODATE, KPF.UPTODATE],
  [FrameFlag.DIRTY, KPF.DIRTY],
  [FrameFlag.SWAPBACKED, KPF.SWAPBACKED],
  [FrameFlag.SWAPCACHE, KPF.SWAPCACHE],
  [FrameFlag.MLOCKED, KPF.UNEVICTABLE],
];

export function kpagecountOf(machine: Machine): WordFile {
  return frameFile(machine, (number, into, at) => {
    into[at] = number < machine.size.frames ? mapcountOf(machine, number) : 0;
  });
}

export function kpageflagsOf(machine: Machine): WordFile {
  const { frames } = machine.size;
  return frameFile(machine, (number, into, at) => {
    if (number >= frames) {
      into[at] = machine.tableUsed[tableAt(machine, number)] === 1 ? KPF.PGTABLE : 0;
      return;
    }
    into[at] = flagsOfFrame(machine, number);
    const isMlocked = (into[at]! & KPF.UNEVICTABLE) !== 0;
    into[at + 1] = (number === ZERO_FRAME ? RESERVED : 0) + (isMlocked ? MLOCKED : 0);
  });
}

type Fill = (number: number, into: Uint32Array, at: number) => void;

function frameFile(machine: Machine, fill: Fill): WordFile {
  const { frames, tables } = machine.size;
  const end = (frames + tables) * pagesOfTable(machine);
  return {
    words: end,
    extents: () => [{ start: 0, end }],
    read(start, into) {
      into.fill(0);
      for (let at = 0; at < into.length; at += 2) fill(start + at / 2, into, at);
    },
  };
}

/** Tables may be larger than pages: see `image`. */
function pagesOfTable({ tableEntries, format }: Machine): number {
  return (tableEntries * 8) / 2 ** format.pageShift;
}

function tableAt(machine: Machine, number: number): number {
  return Math.floor(number / pagesOfTable(machine)) - machine.size.frames;
}

/** Whether it is a part of a free block. @source is_free_buddy_page() */
function isFreeFrame(machine: Machine, frame: number): boolean {
  for (let order = 0; order <= ORDER_MAX; order++) {
    const start = frame - (frame % 2 ** order);
    const isBlock = (machine.frameFlags[start]! & FrameFlag.BUDDY) !== 0;
    if (isBlock && orderOf(machine, start) >= order) return true;
  }
  return false;
}

function flagsOfFrame(machine: Machine, frame: number): number {
  if (frame === ZERO_FRAME) return KPF.ZERO_PAGE;
  if (isFreeFrame(machine, frame)) return KPF.BUDDY;
  const head = headOf(machine, frame);
  const flags = machine.frameFlags[head]!;
  let bits = 0;
  if (isFolioMapped(machine, head)) bits += KPF.MMAP;
  if (machine.frameReferences[head]! > 0 && machine.frameMapping[head]! < 0) bits += KPF.ANON;
  if (orderOf(machine, head) > 0 && (flags & FrameFlag.HEAD) !== 0) {
    bits += frame === head ? KPF.COMPOUND_HEAD : KPF.COMPOUND_TAIL;
    bits += KPF.THP + (isHugeZeroFrame(machine, frame) ? KPF.ZERO_PAGE : 0);
  }
  for (const [flag, bit] of COPIED) if ((flags & flag) !== 0) bits += bit;
  return bits;
}

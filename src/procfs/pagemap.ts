/**
 * /proc/PID/pagemap: 64 bits a page, to be read at any place. Nothing is kept but the tables.
 *
 * @source fs/proc/task_mmu.c pte_to_pagemap_entry(), pagemap_pmd_range(), pagemap_hugetlb_range()
 *         (Linux 6.18); Documentation/admin-guide/mm/pagemap.rst
 * @omits  soft-dirty bits
 */
import { UFFD_WP as UFFD_WP_LEAF } from '../arch/index.ts';
import {
  isAnonymousFrame,
  isHugetlb,
  isMappedAt,
  type Machine,
  Marker,
  type Mm,
  mappedFlagsAt,
  mappedFrameAt,
  SoftFlag,
  SoftKind,
  softFlagsAt,
  softKindAt,
  softValueAt,
  type Vma,
  type WalkForm,
} from '../mm/index.ts';
import { visitEntries } from './entries.ts';
import { isHugetlbShared, isHugeZeroFrame, isZeroFrame, mapcountOf } from './frames.ts';
import type { Extent, WordFile } from './word_file.ts';

/** Bits of the upper half of an entry. */
const PRESENT = 2 ** 31;
const SWAPPED = 2 ** 30;
const FILE = 2 ** 29;
const GUARD = 2 ** 26;
const UFFD_WP = 2 ** 25;
const EXCLUSIVE = 2 ** 24;

/** An entry of swap has the type in the low bits, and the offset above. */
const SWAP_TYPE_BITS = 5;
/**
 * Types behind those of devices: migration of what is read-only, the process's own, writable.
 *
 * @source include/linux/swap.h, without CONFIG_DEVICE_PRIVATE and CONFIG_MEMORY_FAILURE
 */
const SWAP_TYPE_MIGRATION = 28;
const SWAP_TYPE_MARKER = 31;
/** Markers of the kernel by those of the engine. */
const MARKERS: readonly (readonly [engine: number, kernel: number])[] = [
  [Marker.UFFD_WP, 1],
  [Marker.POISONED, 2],
  [Marker.GUARD, 4],
];

export function pagemapOf(machine: Machine, mm: Mm, form?: WalkForm): WordFile {
  return {
    words: mm.layout.taskSize,
    extents: () => extentsOf(machine, mm, form),
    read(start, into) {
      into.fill(0);
      const end = Math.min(start + into.length / 2, mm.layout.taskSize);
      visitEntries(
        machine,
        mm,
        start,
        end,
        (vma, slot, level, page, last) => {
          const index = page % machine.format.entryPages[level]!;
          for (let at = page; at < last; at++) {
            setEntry(machine, vma, slot, level, index + at - page, into, (at - start) * 2);
          }
        },
        form,
      );
    },
  };
}

/** Pages of entries that are not empty, joined where they touch. */
function extentsOf(machine: Machine, mm: Mm, form: WalkForm | undefined): Extent[] {
  const extents: Extent[] = [];
  const join = (_vma: Vma, _slot: number, _level: number, start: number, end: number): void => {
    const last = extents.at(-1);
    if (last?.end === start) extents[extents.length - 1] = { start: last.start, end };
    else extents.push({ start, end });
  };
  visitEntries(machine, mm, 0, mm.layout.taskSize, join, form);
  return extents;
}

/** The two lanes for page `index` of what the entry at `slot` maps. */
function setEntry(
  machine: Machine,
  vma: Vma,
  slot: number,
  level: number,
  index: number,
  into: Uint32Array,
  at: number,
): void {
  if (isMappedAt(machine, slot, level)) {
    const head = mappedFrameAt(machine, slot, level);
    // Of a huge entry, the kernel asks how often its first page is mapped.
    const flags = isHugetlb(vma)
      ? flagsOfHugetlb(machine, slot, head)
      : flagsOfFrame(machine, head);
    const isWp = (mappedFlagsAt(machine, slot) & UFFD_WP_LEAF) !== 0;
    into[at] = head + index;
    into[at + 1] = PRESENT + flags + (isWp ? UFFD_WP : 0);
    return;
  }
  // Of hugetlb, the kernel tells neither of pages on the move nor of other markers.
  if (!isHugetlb(vma)) setSoftLanes(machine, slot, index, into, at);
  if (isWpMarked(machine, slot)) into[at + 1]! += UFFD_WP;
}

function setSoftLanes(
  machine: Machine,
  slot: number,
  index: number,
  into: Uint32Array,
  at: number,
): void {
  const kind = softKindAt(machine, slot);
  const value = softValueAt(machine, slot);
  const [type, offset] = swapEntry(kind, value + index, softFlagsAt(machine, slot));
  into[at] = type + offset * 2 ** SWAP_TYPE_BITS;
  into[at + 1] = SWAPPED + Math.floor((offset * 2 ** SWAP_TYPE_BITS) / 2 ** 32);
  if (kind === SoftKind.MARKER && (value & Marker.GUARD) !== 0) into[at + 1]! += GUARD;
}

/** @source pte_swp_uffd_wp_any() */
function isWpMarked(machine: Machine, slot: number): boolean {
  if ((softFlagsAt(machine, slot) & SoftFlag.UFFD_WP) !== 0) return true;
  const isMarker = softKindAt(machine, slot) === SoftKind.MARKER;
  return isMarker && (softValueAt(machine, slot) & Marker.UFFD_WP) !== 0;
}

function flagsOfHugetlb(machine: Machine, slot: number, frame: number): number {
  const isShared = isHugetlbShared(machine, slot, frame);
  return (isShared ? 0 : EXCLUSIVE) + (isAnonymousFrame(machine, frame) ? 0 : FILE);
}

function flagsOfFrame(machine: Machine, frame: number): number {
  if (isZeroFrame(machine, frame)) return isHugeZeroFrame(machine, frame) ? FILE : 0;
  const isExclusive = mapcountOf(machine, frame) === 1;
  return (isExclusive ? EXCLUSIVE : 0) + (isAnonymousFrame(machine, frame) ? 0 : FILE);
}

function swapEntry(
  kind: number,
  value: number,
  flags: number,
): readonly [type: number, offset: number] {
  if (kind === SoftKind.SWAP) return [0, value];
  if (kind === SoftKind.MIGRATION) {
    const isWritable = (flags & SoftFlag.WRITABLE) !== 0;
    const isOwn = (flags & SoftFlag.EXCLUSIVE) !== 0;
    return [SWAP_TYPE_MIGRATION + (isWritable ? 2 : isOwn ? 1 : 0), value];
  }
  const offset = MARKERS.reduce(
    (sum, [bit, theirs]) => sum + ((value & bit) === 0 ? 0 : theirs),
    0,
  );
  return [SWAP_TYPE_MARKER, offset];
}

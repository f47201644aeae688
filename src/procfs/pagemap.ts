/**
 * /proc/PID/pagemap: 64 bits a page, to be read at any place. Nothing is kept but the tables.
 *
 * @source fs/proc/task_mmu.c pte_to_pagemap_entry(), pagemap_pmd_range() (Linux 6.18);
 *         Documentation/admin-guide/mm/pagemap.rst
 * @omits  soft-dirty bits
 */
import { UFFD_WP as NOTED } from '../arch/index.ts';
import {
  isAnonymousFrame,
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
  VM,
} from '../mm/index.ts';
import { visitEntries } from './entries.ts';
import { isHugeZeroFrame, isZeroFrame, mapcountOf } from './frames.ts';
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

export function pagemapOf(machine: Machine, mm: Mm): WordFile {
  return {
    words: mm.layout.taskSize,
    extents: () => extentsOf(machine, mm),
    read(start, into) {
      into.fill(0);
      const end = start + into.length / 2;
      for (const vma of mm.vmas.within(start, end)) {
        if ((vma.flags & VM.PFNMAP) !== 0) continue;
        const [from, to] = [Math.max(start, vma.start), Math.min(end, vma.end)];
        visitEntries(machine, mm, from, to, (slot, level, page) => {
          const pages = machine.format.entryPages[level]!;
          const last = Math.min(to, page + pages);
          for (let at = Math.max(from, page); at < last; at++) {
            setEntry(machine, slot, level, at - page, into, (at - start) * 2);
          }
        });
      }
    },
  };
}

/** Pages of entries that are not empty, joined where they touch. */
function extentsOf(machine: Machine, mm: Mm): Extent[] {
  const extents: Extent[] = [];
  for (const { start, end, flags } of mm.vmas.all()) {
    if ((flags & VM.PFNMAP) !== 0) continue;
    visitEntries(machine, mm, start, end, (_slot, level, page) => {
      const from = Math.max(start, page);
      const to = Math.min(end, page + machine.format.entryPages[level]!);
      const last = extents.at(-1);
      if (last?.end === from) extents[extents.length - 1] = { start: last.start, end: to };
      else extents.push({ start: from, end: to });
    });
  }
  return extents;
}

/** The two lanes for page `index` of what the entry at `slot` maps. */
function setEntry(
  machine: Machine,
  slot: number,
  level: number,
  index: number,
  into: Uint32Array,
  at: number,
): void {
  if (isMappedAt(machine, slot, level)) {
    const head = mappedFrameAt(machine, slot, level);
    into[at] = head + index;
    // Of a huge entry, the kernel asks how often its first page is mapped.
    const noted = (mappedFlagsAt(machine, slot) & NOTED) === 0 ? 0 : UFFD_WP;
    into[at + 1] = PRESENT + noted + flagsOfFrame(machine, head);
    return;
  }
  const kind = softKindAt(machine, slot);
  const value = softValueAt(machine, slot);
  const [type, offset] = swapEntry(kind, value + index, softFlagsAt(machine, slot));
  into[at] = type + offset * 2 ** SWAP_TYPE_BITS;
  into[at + 1] = SWAPPED + Math.floor((offset * 2 ** SWAP_TYPE_BITS) / 2 ** 32);
  if (kind === SoftKind.MARKER) {
    if ((value & Marker.GUARD) !== 0) into[at + 1]! += GUARD;
    if ((value & Marker.UFFD_WP) !== 0) into[at + 1]! += UFFD_WP;
  } else if ((softFlagsAt(machine, slot) & SoftFlag.UFFD_WP) !== 0) into[at + 1]! += UFFD_WP;
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

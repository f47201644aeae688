/**
 * The truth, recounted from the page tables: what the bookkeeping must agree with when all is quiet.
 */
import type { Vpn } from '../arch/index.ts';
import { type Machine, NONE } from './machine.ts';
import { findVma } from './mmap_lock.ts';
import { frameAt, isPresentAt, isWritableAt, tableAt } from './pgtable.ts';
import { violate } from './property.ts';

/** Walks all tables and compares. Called when no operation is under way. */
export function audit(machine: Machine): void {
  const found: Found = {
    maps: new Int32Array(machine.size.frames),
    links: new Int32Array(machine.size.tables),
    pages: 0,
  };
  for (let mm = 0; mm < machine.size.mms; mm++) {
    found.pages = 0;
    found.links[machine.mmRoot[mm]!]!++;
    countTable(machine, mm, machine.mmRoot[mm]!, machine.format.levels - 1, 0, found);
    if (found.pages !== residentPages(machine, mm)) violate(machine, 'P-COUNT');
  }
  for (let frame = 0; frame < machine.size.frames; frame++) {
    const references = found.maps[frame]! + machine.framePins[frame]!;
    if (machine.frameReferences[frame] !== references) violate(machine, 'P-COUNT');
  }
  for (let cpu = 0; cpu < machine.size.cpus; cpu++) {
    let table = machine.callbackTables[cpu]!;
    for (; table !== NONE; table = machine.tableNext[table]!) found.links[table]!++;
  }
  if (machine.heldRanks.some((ranks) => ranks !== 0)) violate(machine, 'P-LOCK');
  for (let table = 0; table < machine.size.tables; table++) {
    if (machine.tableUsed[table] !== found.links[table]) violate(machine, 'P-COUNT');
  }
}

interface Found {
  /** Entries that map each frame. */
  readonly maps: Int32Array;
  /** Entries that refer to each table. */
  readonly links: Int32Array;
  pages: number;
}

function countTable(
  machine: Machine,
  mm: number,
  table: number,
  level: number,
  start: number,
  found: Found,
): void {
  const span = machine.format.entryPages[level]!;
  for (let index = 0; index < machine.tableEntries; index++) {
    const slot = table * machine.tableEntries + index;
    if (!isPresentAt(machine, slot)) continue;
    const page = start + index * span;
    if (level > 0) {
      const below = tableAt(machine, slot, level);
      found.links[below]!++;
      countTable(machine, mm, below, level - 1, page, found);
      continue;
    }
    found.maps[frameAt(machine, slot)]!++;
    found.pages++;
    const vma = findVma(machine, mm, page as Vpn);
    if (vma === NONE) violate(machine, 'P-PERM');
    else if (isWritableAt(machine, slot) && machine.vmaWritable[vma] === 0) {
      violate(machine, 'P-PERM');
    }
  }
}

/** The sum of what the CPUs have counted. */
export function residentPages(machine: Machine, mm: number): number {
  let pages = 0;
  for (let cpu = 0; cpu < machine.size.cpus; cpu++) {
    pages += machine.rss[cpu * machine.size.mms + mm]!;
  }
  return pages;
}

/** A number that is equal for equal states, and hardly ever for others. */
export function checksum(machine: Machine): number {
  let hash = 0x811c9dc5;
  for (const part of machine.save()) {
    for (const value of part) {
      hash = Math.imul(
        hash ^ (value === Number.POSITIVE_INFINITY ? -1 : value % 2 ** 32),
        0x01000193,
      );
      hash ^= hash >>> 15;
    }
  }
  return hash >>> 0;
}

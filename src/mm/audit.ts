/**
 * The truth, recounted from the page tables: what the bookkeeping must agree with when all is quiet.
 */

import { DIRTY } from '../arch/index.ts';
import { type Found, nothingFound } from './audit_found.ts';
import { indexOf } from './file/filemap.ts';
import { endOfPages, hasDisk, type Inode } from './file/inode.ts';
import { auditHugetlb, cachedAt, countHugetlb, countTop } from './hugetlb/audit.ts';
import { isHugetlbFolio } from './hugetlb/folio.ts';
import type { Machine } from './machine.ts';
import { isBacked } from './notifier/second_level.ts';
import { headOf, ZERO_FRAME } from './page/frame.ts';
import { auditLargeMaps, noteLargeMap } from './rmap/audit_large.ts';
import { entireMapcount } from './rmap/large_mapcount.ts';
import { rssKindOf } from './rmap/map_count.ts';
import { auditMlocks } from './rmap/mlock.ts';
import { auditSwap } from './swap/audit_swap.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt } from './table/mapped_entry.ts';
import { isPresentAt, isTableAt, isWritableAt, tableAt } from './table/pgtable.ts';
import { SoftKind, softKindAt, softValueAt } from './table/soft_entry.ts';
import { type Mm, Rss } from './vma/mm.ts';
import { pgoffAt, VM, type Vma } from './vma/vma.ts';
import { violate } from './world/property.ts';
import type { View } from './world/shared_views.ts';
import { FrameFlag, NONE } from './world/world.ts';

/** Walks all tables and compares. Called when no operation is under way. */
export function audit(machine: Machine): void {
  const { tables, cpus } = machine.size;
  const found = nothingFound(machine);
  for (const mm of machine.mms.all()) {
    found.links[mm.root]!++;
    countTable(machine, mm, mm.root, machine.format.levels - 1, 0, found);
  }
  if (machine.designs.every(({ keepsCounters }) => keepsCounters !== false)) {
    checkCounters(machine, found);
  }
  countReferences(machine, found);
  checkExclusive(machine, found);
  auditLargeMaps(machine, found.largeMaps);
  auditHugetlb(machine, found.hugetlbPages[0]!);
  for (let cpu = 0; cpu < cpus; cpu++) {
    let table = machine.callbackTables[cpu]!;
    for (; table !== NONE; table = machine.tableNext[table]!) found.links[table]!++;
  }
  if (machine.heldRanks.some((ranks) => ranks !== 0)) violate(machine, 'P-LOCK');
  if (machine.ledger.size > 0) violate(machine, 'P-TLB');
  for (const design of machine.designs) design.audit?.(machine);
  for (const entry of machine.secondaryViews.save()) {
    if (!isBacked(machine, entry)) violate(machine, 'P-TLB');
  }
  for (let table = 0; table < tables; table++) {
    const links = found.links[table]!;
    if (machine.tableUsed[table] !== Math.min(links, 1)) violate(machine, 'P-COUNT');
    if (links > 0 && machine.tableShares[table] !== links - 1) violate(machine, 'P-COUNT');
  }
}

/** Where tables with pages are shared, the pages count with one of those who see them. */
function checkCounters(machine: Machine, { rss, tables, groups, owed }: Found): void {
  for (const mm of machine.mms.all()) {
    if (tables[mm.id] !== mm.tables) violate(machine, 'P-COUNT');
    const group = groups[mm.id]!;
    for (let kind = 0; kind < 4; kind++) {
      owed[4 * group + kind]! += rss[4 * mm.id + kind]! - mm.rss[kind]!;
    }
  }
  for (const pages of owed) if (pages !== 0) violate(machine, 'P-COUNT');
}

/** A folio is kept by the entries that map it, by a cache, and by who holds it for a while. */
function countReferences(machine: Machine, found: Found): void {
  const { maps, swapEntries, entire, references } = found;
  addEntries(machine, found);
  for (const inode of machine.inodes.all()) {
    for (const frame of inode.pages.values()) references[headOf(machine, frame)]!++;
    checkEnd(machine, inode);
    checkClean(machine, inode, found);
  }
  auditSwap(machine, swapEntries, references);
  for (const [frame, pins] of machine.pins) references[headOf(machine, frame)]! += pins;
  for (let frame = 0; frame < machine.size.frames; frame++) {
    const flags = machine.frameFlags[frame]!;
    if ((flags & FrameFlag.RESERVED) !== 0) continue;
    if (machine.frameMapcount[frame] !== maps[frame]) violate(machine, 'P-COUNT');
    const isFree = (flags & FrameFlag.BUDDY) !== 0;
    const isHead = (flags & FrameFlag.HEAD) !== 0 && !isFree;
    if (isHead && entireMapcount(machine, frame) !== entire[frame]) violate(machine, 'P-COUNT');
    // What would be references of another frame counts maps of the whole.
    if ((flags & FrameFlag.TAIL) !== 0) continue;
    // Of a free block it is a link of the buddy system.
    const kept = isFree ? 0 : machine.frameReferences[frame];
    if (kept !== references[frame]) violate(machine, 'P-COUNT');
  }
  auditMlocks(machine);
}

/** What entries refer to. Of hugetlb, smaller ones have been counted at the head already. */
function addEntries(machine: Machine, { maps, hugeMaps, references }: Found): void {
  references.set(hugeMaps);
  for (let frame = 0; frame < machine.size.frames; frame++) {
    if (maps[frame] === 0) continue;
    const head = headOf(machine, frame);
    if (!isHugetlbFolio(machine, head)) references[head]! += maps[frame]!;
  }
}

/**
 * No folio of a file starts behind its end, and behind what was allocated for later. On a disk one may
 * in which a range of zeroes starts or ends: it holds nothing. Hugetlb does not note what is allocated.
 */
function checkEnd(machine: Machine, inode: Inode): void {
  if (inode.hugetlb !== undefined) return;
  const end = endOfPages(inode);
  for (const index of inode.pages.within(end, Number.POSITIVE_INFINITY)) {
    const head = headOf(machine, inode.pages.get(index));
    const holdsNothing = (machine.frameFlags[head]! & FrameFlag.UPTODATE) === 0;
    if (hasDisk(inode) && holdsNothing) continue;
    if (machine.frameIndex[head]! >= end) violate(machine, 'P-COUNT');
  }
}

/** What nobody says was written to is what the disk has. */
function checkClean(machine: Machine, inode: Inode, { dirty }: Found): void {
  if (!hasDisk(inode) || !machine.size.contents) return;
  for (const index of inode.pages.within(0, Number.POSITIVE_INFINITY)) {
    const frame = inode.pages.get(index);
    const flags = machine.frameFlags[headOf(machine, frame)]!;
    const isDirty = (flags & FrameFlag.DIRTY) !== 0 || dirty[frame] === 1;
    if (!isDirty && machine.frameData[frame] !== (inode.disk.get(index) ?? 0)) {
      violate(machine, 'P-DATA');
    }
  }
}

/** What one process only is said to have is mapped once. */
function checkExclusive(machine: Machine, { maps, hugeMaps }: Found): void {
  for (let frame = 0; frame < machine.size.frames; frame++) {
    if ((machine.frameFlags[frame]! & FrameFlag.EXCLUSIVE) === 0) continue;
    if (maps[frame]! + hugeMaps[frame]! > 1) violate(machine, 'P-COW');
  }
}

function countTable(
  machine: Machine,
  mm: Mm,
  table: number,
  level: number,
  start: number,
  found: Found,
): void {
  const span = machine.format.entryPages[level]!;
  countDeposited(machine, mm, table, found);
  const entries = 2 ** machine.format.indexBits[level]!;
  const { lanes, tableEntries } = machine;
  for (let index = 0; index < entries; index++) {
    const slot = table * tableEntries + index;
    // Most are empty.
    if ((lanes[slot * 2]! | lanes[slot * 2 + 1]!) === 0) continue;
    if (level === 0 && softKindAt(machine, slot) === SoftKind.SWAP) {
      found.swapEntries[softValueAt(machine, slot)]!++;
      found.rss[4 * mm.id + Rss.SWAP]!++;
    }
    const page = start + index * span;
    if (level > 0) countTop(machine, mm, slot, level, page, found);
    if (isMappedAt(machine, slot, level)) countPage(machine, mm, slot, level, page, found);
    if (!isTableAt(machine, slot, level)) continue;
    countBelow(machine, mm, tableAt(machine, slot, level), level, page, found);
  }
}

/** What several entries refer to is walked once, as that of who linked it first. */
function countBelow(
  machine: Machine,
  mm: Mm,
  table: number,
  level: number,
  start: number,
  found: Found,
): void {
  // What an entry leads to is a table.
  if (machine.tableUsed[table] !== 1) {
    violate(machine, 'P-UAF-PT');
    return;
  }
  const views = machine.views.of(table);
  const [first] = views;
  const isFirst = found.links[table]!++ === 0;
  if (first === undefined) {
    const isCharged = machine.tableCharged[table] === 1;
    // Where the ledger takes it to be.
    const isElsewhere = machine.tableMm[table] === mm.id && machine.tableStart[table] !== start;
    if (isElsewhere) violate(machine, 'P-COUNT');
    if (isCharged) found.tables[mm.id]!++;
    countTable(machine, mm, table, level - 1, start, isCharged ? found : unchargedOf(found));
  } else if (isFirst) {
    for (const { mm: id, isCharged } of views) if (isCharged) found.tables[id]!++;
    if (hasPages(machine, table, level - 1)) join(found.groups, views);
    countShared(machine, views, table, level - 1, found);
  }
}

/** The pages count with one who is charged for the table, or with each; if nobody is, with nobody. */
function countShared(
  machine: Machine,
  views: readonly View[],
  table: number,
  level: number,
  found: Found,
): void {
  const charged = views.filter(({ isCharged }) => isCharged);
  const counted = charged[0] ?? views[0]!;
  const rss = new Int32Array(found.rss.length);
  const { mm, start } = counted;
  countTable(machine, machine.mms.get(mm), table, level, start, { ...found, rss });
  const isForEach = machine.designs.some(({ countsForEach }) => countsForEach === true);
  for (const view of isForEach ? charged : charged.slice(0, 1)) {
    for (let kind = 0; kind < 4; kind++) found.rss[4 * view.mm + kind]! += rss[4 * mm + kind]!;
  }
  for (const view of views) {
    if (view !== counted) checkView(machine, view, table, level, view.start);
  }
}

/** Tables and pages that nobody is charged for are looked at all the same. */
function unchargedOf(found: Found): Found {
  const { rss, tables } = found;
  return { ...found, rss: new Int32Array(rss.length), tables: new Int32Array(tables.length) };
}

/** What one more address space sees of a shared table has to be right for its VMAs, too. */
function checkView(
  machine: Machine,
  view: View,
  table: number,
  level: number,
  start: number,
): void {
  const span = machine.format.entryPages[level]!;
  for (let index = 0; index < machine.tableEntries; index++) {
    const slot = table * machine.tableEntries + index;
    const page = start + index * span;
    if (isTableAt(machine, slot, level)) {
      checkView(machine, view, tableAt(machine, slot, level), level - 1, page);
    } else if (isMappedAt(machine, slot, level)) {
      const vma = machine.mms.get(view.mm).vmas.at(page);
      if (vma === undefined) violate(machine, 'P-PERM');
      else if (vma.file?.design === undefined) checkMapping(machine, vma, slot, level, page);
    }
  }
}

function hasPages(machine: Machine, table: number, level: number): boolean {
  for (let index = 0; index < machine.tableEntries; index++) {
    if (isMappedAt(machine, table * machine.tableEntries + index, level)) return true;
  }
  return false;
}

/** Lets the address spaces of `views` be in one group. */
function join(groups: Int32Array, views: readonly View[]): void {
  const members = new Set(views.map(({ mm }) => groups[mm]!));
  const [least] = [...members].sort((one, other) => one - other);
  for (const [mm, group] of groups.entries()) if (members.has(group)) groups[mm] = least!;
}

/** Tables that huge pages keep are counted, though nothing refers to them. */
function countDeposited(machine: Machine, mm: Mm, table: number, found: Found): void {
  let kept = machine.tableDeposit[table]!;
  for (; kept !== NONE; kept = machine.tableNext[kept]!) {
    found.links[kept]!++;
    found.tables[mm.id]!++;
  }
}

function countPage(
  machine: Machine,
  mm: Mm,
  slot: number,
  level: number,
  page: number,
  found: Found,
): void {
  const frame = mappedFrameAt(machine, slot, level);
  if ((machine.frameFlags[frame]! & FrameFlag.RESERVED) === 0) {
    if (isHugetlbFolio(machine, headOf(machine, frame))) {
      countHugetlb(machine, slot, level, found);
    } else {
      (level === 0 ? found.maps : found.hugeMaps)[frame]!++;
      if (level > 0) found.entire[frame]!++;
      noteLargeMap(machine, found.largeMaps, mm, headOf(machine, frame));
      if ((mappedFlagsAt(machine, slot) & DIRTY) !== 0) found.dirty[frame] = 1;
      found.rss[4 * mm.id + rssKindOf(machine, frame)]! += machine.format.entryPages[level]!;
    }
  }
  const vma = mm.vmas.at(page);
  if (vma === undefined) violate(machine, 'P-PERM');
  else checkMapping(machine, vma, slot, level, page);
}

/** Whether `vma` may have what is mapped at `page`, and with these rights. */
function checkMapping(machine: Machine, vma: Vma, slot: number, level: number, page: number): void {
  const frame = mappedFrameAt(machine, slot, level);
  const isWritable = isPresentAt(machine, slot) && isWritableAt(machine, slot);
  if ((vma.flags & VM.WRITE) === 0 && isWritable) violate(machine, 'P-PERM');
  // What a driver maps is no page of its file.
  if ((vma.flags & VM.PFNMAP) !== 0) return;
  const mapping = machine.frameMapping[headOf(machine, frame)]!;
  // UFFDIO_ZEROPAGE maps the page of zeroes in a private mapping of a file, too.
  const isZero = frame === ZERO_FRAME && (vma.flags & VM.SHARED) === 0;
  if (vma.file !== undefined && mapping >= 0 && !isZero) {
    // What is mapped of a file is a page of it.
    if (cachedAt(vma.file.inode, pgoffAt(vma, page)) !== frame) violate(machine, 'P-COUNT');
  }
  if (mapping >= 0) return;
  // A private page of a process that is no relative is none of this one's.
  const anonVma = vma.chain.find(({ id }) => id === -1 - mapping);
  const head = headOf(machine, frame);
  const marked = isHugetlbFolio(machine, head) ? head : frame;
  const isOwn = (machine.frameFlags[marked]! & FrameFlag.EXCLUSIVE) !== 0;
  if (anonVma === undefined || (isWritable && !isOwn)) violate(machine, 'P-COW');
  // Whom the reverse map asks for it, and where it looks.
  const isListed = anonVma?.vmas.has(vma) && machine.anonVmas.find(anonVma.id) === anonVma;
  if (isListed === false) violate(machine, 'P-COUNT');
  if (indexOf(machine, frame) !== pgoffAt(vma, page) >>> 0) violate(machine, 'P-COUNT');
}

/** A number that is equal for equal states, and hardly ever for others. */
export function checksum(machine: Machine): number {
  let hash = 0x811c9dc5;
  for (const part of machine.saveWorld().parts) {
    for (const value of part) {
      hash = Math.imul(
        hash ^ (value === Number.POSITIVE_INFINITY ? -1 : value % 2 ** 32),
        0x01000193,
      );
      hash ^= hash >>> 15;
    }
  }
  for (const mm of machine.mms.all()) {
    for (const { start, end, flags, pgoff } of mm.vmas.all()) {
      for (const value of [start, end, flags, pgoff]) hash = Math.imul(hash ^ value, 0x01000193);
    }
  }
  return hash >>> 0;
}

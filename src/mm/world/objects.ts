/** Numbers of the objects that points announce: everything that more than one CPU can see. */
import type { WorldSize } from './world_size.ts';

/** The kinds of objects in the order of their numbers, locks first, with their names. */
const NAMES = {
  zoneLock: 'zone lock',
  swapLock: 'swap lock',
  mmapLock: 'mmap_lock of mm',
  pageTableLock: 'page_table_lock of mm',
  tableLock: 'lock of table',
  hugetlbLock: 'hugetlb_lock',
  resvLock: 'lock of resv maps',
  faultMutex: 'hugetlb fault mutex',
  hugetlbVmaLock: 'hugetlb_vma_lock',
  mapChangingLock: 'map_changing_lock of userfaultfd',
  inodeLock: 'i_rwsem of inode',
  invalidateLock: 'invalidate_lock of inode',
  iMmapLock: 'i_mmap_rwsem of inode',
  pagesLock: 'i_pages lock of inode',
  anonVmaLock: 'lock of anon_vma',
  mmuLock: 'mmu_lock of guest',
  sequence: 'sequence of mm',
  writeProtectSequence: 'write_protect_seq of mm',
  tree: 'VMA tree of mm',
  cpuMask: 'CPU mask of mm',
  flushPending: 'tlb_flush_pending of mm',
  flushBatched: 'tlb_flush_batched of mm',
  transitions: 'transition ranges of mm',
  notifiers: 'notifiers of mm',
  invalidateSequence: 'mmu_invalidate_seq of guest',
  secondLevel: 'second-level table of guest',
  vmaReferences: 'lock of VMA',
  vmaSequence: 'sequence of VMA',
  anonVmaOf: 'anon_vma of VMA',
  userfaults: 'queue of userfaultfd',
  pages: 'page cache of inode',
  cpu: 'CPU',
  tlb: 'TLB of CPU',
  callbacks: 'RCU callbacks of CPU',
  tlbState: 'TLB state of CPU',
  frame: 'frame',
  folioLock: 'folio lock of frame',
  swapSlot: 'swap slot',
  table: 'table',
  entry: 'entry',
} as const;
export type ObjectKind = keyof typeof NAMES;

export class Objects {
  /** Locks are the objects below this number. */
  readonly locks: number;
  /** How many mutexes faults on hugetlb choose from. */
  readonly faultMutexes: number;
  readonly #base: Readonly<Record<ObjectKind, number>>;
  readonly #tableEntries: number;

  constructor(size: WorldSize, tableEntries: number) {
    const { cpus, mms, frames, tables, vmas, inodes, anonVmas, swapSlots } = size;
    const { guests, devices, userfaultfds } = size;
    this.#tableEntries = tableEntries;
    this.faultMutexes = 8 * cpus;
    const counts: Readonly<Record<ObjectKind, number>> = {
      zoneLock: 1,
      swapLock: 1,
      mmapLock: mms,
      pageTableLock: mms,
      tableLock: tables,
      hugetlbLock: 1,
      resvLock: 1,
      faultMutex: 8 * cpus,
      hugetlbVmaLock: vmas,
      mapChangingLock: userfaultfds,
      inodeLock: inodes,
      invalidateLock: inodes,
      iMmapLock: inodes,
      pagesLock: inodes,
      anonVmaLock: anonVmas,
      mmuLock: guests,
      sequence: mms,
      writeProtectSequence: mms,
      tree: mms,
      cpuMask: mms + guests,
      flushPending: mms,
      flushBatched: mms,
      transitions: mms,
      notifiers: mms,
      invalidateSequence: guests,
      secondLevel: guests,
      vmaReferences: vmas,
      vmaSequence: vmas,
      anonVmaOf: vmas,
      userfaults: userfaultfds,
      pages: inodes,
      cpu: cpus,
      tlb: cpus + devices,
      callbacks: cpus,
      tlbState: cpus,
      frame: frames,
      folioLock: frames,
      swapSlot: swapSlots,
      table: tables,
      entry: tables * tableEntries,
    };
    const base: Partial<Record<ObjectKind, number>> = {};
    let next = 0;
    for (const kind of Object.keys(NAMES) as ObjectKind[]) {
      base[kind] = next;
      next += counts[kind];
    }
    this.#base = base as Record<ObjectKind, number>;
    this.locks = this.#base.sequence;
  }

  readonly zoneLock = 0;
  readonly swapLock = 1;
  mmapLock(mm: number): number {
    return this.#base.mmapLock + mm;
  }
  /** Guards the entries of the upper tables. */
  pageTableLock(mm: number): number {
    return this.#base.pageTableLock + mm;
  }
  /** Guards the entries of one table of the two lowest levels. */
  tableLock(table: number): number {
    return this.#base.tableLock + table;
  }
  get hugetlbLock(): number {
    return this.#base.hugetlbLock;
  }
  /** Guards all resv maps and subpools of hugetlb. */
  get resvLock(): number {
    return this.#base.resvLock;
  }
  faultMutex(hash: number): number {
    return this.#base.faultMutex + hash;
  }
  /** The lock that keeps the tables of a VMA of hugetlbfs in place, by its own number. */
  hugetlbVmaLock(lock: number): number {
    return this.#base.hugetlbVmaLock + lock;
  }
  /** Keeps events that change an address space from those who fill it, by the number of the userfaultfd. */
  mapChangingLock(userfaultfd: number): number {
    return this.#base.mapChangingLock + userfaultfd;
  }
  inodeLock(inode: number): number {
    return this.#base.inodeLock + inode;
  }
  invalidateLock(inode: number): number {
    return this.#base.invalidateLock + inode;
  }
  iMmapLock(inode: number): number {
    return this.#base.iMmapLock + inode;
  }
  pagesLock(inode: number): number {
    return this.#base.pagesLock + inode;
  }
  anonVmaLock(anonVma: number): number {
    return this.#base.anonVmaLock + anonVma;
  }
  mmuLock(guest: number): number {
    return this.#base.mmuLock + guest;
  }
  sequence(mm: number): number {
    return this.#base.sequence + mm;
  }
  writeProtectSequence(mm: number): number {
    return this.#base.writeProtectSequence + mm;
  }
  tree(mm: number): number {
    return this.#base.tree + mm;
  }
  cpuMask(mm: number): number {
    return this.#base.cpuMask + mm;
  }
  flushPending(mm: number): number {
    return this.#base.flushPending + mm;
  }
  flushBatched(mm: number): number {
    return this.#base.flushBatched + mm;
  }
  transitions(mm: number): number {
    return this.#base.transitions + mm;
  }
  /** Who is told of changes of an address space. */
  notifiers(mm: number): number {
    return this.#base.notifiers + mm;
  }
  /** The sequence of a guest, with its count of invalidations under way and their range. */
  invalidateSequence(guest: number): number {
    return this.#base.invalidateSequence + guest;
  }
  secondLevel(guest: number): number {
    return this.#base.secondLevel + guest;
  }
  vmaReferences(vma: number): number {
    return this.#base.vmaReferences + vma;
  }
  vmaSequence(vma: number): number {
    return this.#base.vmaSequence + vma;
  }
  anonVmaOf(vma: number): number {
    return this.#base.anonVmaOf + vma;
  }
  /** Faults and events that wait for who reads a userfaultfd, and whether it is still open. */
  userfaults(userfaultfd: number): number {
    return this.#base.userfaults + userfaultfd;
  }
  /** The page cache and the size of an inode, for those who look without its lock. */
  pages(inode: number): number {
    return this.#base.pages + inode;
  }
  cpu(cpu: number): number {
    return this.#base.cpu + cpu;
  }
  tlb(cpu: number): number {
    return this.#base.tlb + cpu;
  }
  callbacks(cpu: number): number {
    return this.#base.callbacks + cpu;
  }
  /** Which address space a CPU says that it runs, and whether lazily. */
  tlbState(cpu: number): number {
    return this.#base.tlbState + cpu;
  }
  frame(frame: number): number {
    return this.#base.frame + frame;
  }
  folioLock(frame: number): number {
    return this.#base.folioLock + frame;
  }
  swapSlot(slot: number): number {
    return this.#base.swapSlot + slot;
  }
  table(table: number): number {
    return this.#base.table + table;
  }
  entry(slot: number): number {
    return this.#base.entry + slot;
  }

  /** The number within its own kind: of a CPU, a VMA, a table. */
  numberOf(kind: ObjectKind, object: number): number {
    return object - this.#base[kind];
  }

  /** The table that an entry lies in, or a negative number if the object is no entry. */
  tableOfEntry(object: number): number {
    return Math.floor((object - this.#base.entry) / this.#tableEntries);
  }

  kindOf(object: number): ObjectKind {
    const kinds = Object.keys(NAMES) as ObjectKind[];
    return kinds.findLast((candidate) => object >= this.#base[candidate])!;
  }

  /** `table 3 [17]`, to show. */
  describe(object: number): string {
    const index = object - this.#base.entry;
    if (index >= 0) return `table ${this.tableOfEntry(object)} [${index % this.#tableEntries}]`;
    const kind = this.kindOf(object);
    const name = NAMES[kind];
    return name.endsWith('lock') && object < 2 ? name : `${name} ${this.numberOf(kind, object)}`;
  }
}

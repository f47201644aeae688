/**
 * The world that operations run in: CPUs, locks, physical frames, page tables, TLB obligations.
 *
 * All of it lies in typed arrays that this file lists, so that a state is saved and restored by
 * copying. Everything another CPU can see is an *object* with a number (`objects.ts`). What is made
 * of it, address spaces, VMAs, inodes, is `../machine.ts`.
 */
import type { PteFormat } from '../../arch/index.ts';
import { assert } from '../../base/assert.ts';
import type { Mmu } from '../../mmu/index.ts';
import type { Witness } from '../../trace/index.ts';
import type { Bugs } from './bugs.ts';
import { type FlushState, newFlushState } from './flush_state.ts';
import { Accesses } from './footprint.ts';
import { Ledger } from './ledger.ts';
import { newMmus } from './mmus.ts';
import { Objects } from './objects.ts';
import type { Op } from './op.ts';
import { type SecondaryEntry, SecondaryViews } from './secondary_views.ts';
import { SharedViews, type View } from './shared_views.ts';
import type { WorldSize } from './world_size.ts';

/** No lock holder, frame, table, VMA, list element. */
export const NONE = -1;
/** In `swapCache`: a slot is being read past the swap cache (SWAP_HAS_CACHE without a folio). */
export const SWAP_PINNED = -2;

/** In `vmaReferences`: the count of readers, below what `vma_lock.ts` keeps above it. */
export const VMA_READERS = 2 ** 20 - 1;

/** In `frameFlags`, of the first frame of a folio unless it says otherwise. */
export const FrameFlag = {
  LOCKED: 1 << 0,
  DIRTY: 1 << 1,
  UPTODATE: 1 << 2,
  SWAPBACKED: 1 << 3,
  SWAPCACHE: 1 << 4,
  /** Of each frame: one process only has it, privately (PG_anon_exclusive). */
  EXCLUSIVE: 1 << 5,
  /** Kept in memory: see `rmap/mlock.ts`. */
  MLOCKED: 1 << 6,
  /** Of the other frames of a large folio. */
  TAIL: 1 << 7,
  /** Free, first of a block of the buddy allocator. */
  BUDDY: 1 << 8,
  /** The zero page, and what else is never freed. */
  RESERVED: 1 << 9,
  /** Read ahead, and not asked for yet. */
  READAHEAD: 1 << 10,
  /** Of a large folio, and of a large free block: they have an order. */
  HEAD: 0xf800,
} as const;
/** The order of a folio or free block lies above the flags of its first frame. */
export const ORDER_SHIFT = 11;

type Words = Int32Array | Int16Array | Uint32Array | Uint16Array | Float64Array;

/** Flushes what others hold of the pages `[start, end)` of an address space. */
type InvalidateSecondary = (
  world: World,
  cpu: number,
  mm: number,
  start: number,
  end: number,
) => Op<void>;

/** A state of a world, as `save()` made it. */
export interface SavedWorld {
  readonly parts: readonly Words[];
  readonly views: readonly View[];
  readonly secondaryViews: readonly SecondaryEntry[];
  readonly mlockCounts: ReadonlyMap<number, number>;
  readonly tablesSeen: number;
}

export class World {
  readonly size: WorldSize;
  readonly bugs: Bugs;
  readonly format: PteFormat;
  /** Entries of the largest table of the format. */
  readonly tableEntries: number;
  /** Its logarithm. */
  readonly tableShift: number;
  readonly objects: Objects;
  readonly #parts: Words[] = [];

  /** CPU, or callback thread, that holds a lock alone, or `NONE`. */
  readonly lockHolder: Int32Array;
  readonly lockReaders: Int32Array;

  /** Own data of each CPU, then of its callback thread: mask of the ranks of the locks it holds. */
  readonly heldRanks: Int32Array;
  /** Object: the CPU. Nested irq-off sections, RCU read sections, and senders of pending IPIs. */
  readonly irqsOff: Int32Array;
  readonly rcuNesting: Int32Array;
  readonly pending: Int32Array;
  /** What a CPU asks others for by IPI. Own data; stands still until all have acknowledged. */
  readonly requestMm: Int32Array;
  readonly requestStart: Float64Array;
  readonly requestEnd: Float64Array;
  /** Own data of each CPU, and device: the access under way, and which of the translations it may use it shall use. */
  readonly accessMm: Int32Array;
  readonly accessPage: Float64Array;
  readonly choice: Int32Array;
  /** Object: the queue of the userfaultfd. 1 while what a CPU does waits there. */
  readonly asleep: Int32Array;
  /** Own data: the queue in which a CPU has put itself last. */
  readonly sleepQueue: Int32Array;

  /** Object: the frame. References of a folio count at its first frame. */
  readonly frameReferences: Int32Array;
  /** Entries of level 0 that map the frame. */
  readonly frameMapcount: Uint16Array;
  /** `FrameFlag`s, with the order above them. */
  readonly frameFlags: Uint16Array;
  /** Whose page it is: 1 + number of the inode, -1 - number of the anon_vma, or 0. As wide as they need. */
  readonly frameMapping: Int16Array | Int32Array;
  /** Which page of it, modulo 2^32. */
  readonly frameIndex: Uint32Array;
  /** The content; of no length unless frames have content. Object: the frame. */
  readonly frameData: Int32Array;
  /** First free frame of each order, guarded by the zone lock; and of each CPU's own list. */
  readonly freeAreas: Int32Array;
  readonly cpuFreeFrames: Int32Array;
  readonly cpuFreeCount: Int32Array;
  /** The head of the huge page of zeroes, or `NONE` before it is needed. Object: the zone lock. */
  readonly hugeZero: Int32Array;
  /** Object: the swap slot; changed under the swap lock. Entries that stand for the slot. */
  readonly swapCount: Int32Array;
  /** The folio that the swap cache has of a slot, `NONE`, or `SWAP_PINNED`. Object: the slot. */
  readonly swapCache: Int32Array;
  /** What was written out; of no length unless frames have content. Object: the slot. */
  readonly swapData: Int32Array;
  /** Guarded by the swap lock: lists of the slots of folios, by frame, and of free slots. */
  readonly swapBuckets: Int32Array;
  readonly swapNext: Int32Array;
  readonly swapFree: Int32Array;
  /** Guarded by the zone lock. */
  readonly zoneFreeTables: Int32Array;

  /** Two lanes for each entry, low then high, table after table. */
  readonly lanes: Uint32Array;
  /** No table from this one on was ever in use: its entries are empty in every state. */
  tablesSeen = 0;
  /** 1 while a table is in use. Object: the table. */
  readonly tableUsed: Int32Array;
  readonly tableNext: Int32Array;
  /** Entries that refer to a table beyond the first (pt_share_count). Object: the table. */
  readonly tableShares: Int32Array;
  /** The truth about who linked a table first, and for which pages; `views` has all of shared ones. */
  readonly tableMm: Int32Array;
  readonly tableStart: Float64Array;
  /** And by which entry, and whether that address space is charged for the table: 1 or 0. */
  readonly tableSlot: Int32Array;
  readonly tableCharged: Int32Array;
  /** Empty tables that large pages of a table keep for their split. Guarded by the table's lock. */
  readonly tableDeposit: Int32Array;
  /** Tables that wait for a grace period, a list for each CPU. Object: the list. */
  readonly callbackTables: Int32Array;

  /** Object: the sequence; changes when the mmap write lock is dropped. */
  readonly mmSequence: Int32Array;
  /** Odd while fork write-protects (`write_protect_seq`). Object: that sequence. */
  readonly mmWriteProtectSequence: Int32Array;
  /**
   * CPUs that may hold translations of the address space, and above them devices; behind all
   * address spaces, CPUs that run guests.
   */
  readonly mmCpus: Int32Array;
  /** What is to be flushed, by whom, and who need not be asked. */
  readonly flushes: FlushState;
  /** Readers, and whether it is attached or waited for (`vma_lock.ts`). Object: the count. */
  readonly vmaReferences: Int32Array;
  /** Write-locked while it equals the sequence of the address space. Object: the sequence. */
  readonly vmaSequence: Int32Array;

  /** Own data of each CPU: frames and tables that an unmapping has collected. */
  readonly gatherFrames: Int32Array;
  readonly gatherFrameCount: Int32Array;
  readonly gatherTables: Int32Array;
  readonly gatherTableCount: Int32Array;
  readonly gatherStart: Float64Array;
  readonly gatherEnd: Float64Array;

  readonly violation: Int32Array;
  /** How often entries of tables were written, modulo 2^32. No part of the state. */
  readonly entryWrites = new Int32Array(1);
  /** Whether an entry may be reached from more than one address space. */
  mayShareTables = false;
  /** What searches have met of programs' accesses. No part of the state. */
  readonly accesses = new Accesses();
  /** Own data of each CPU; none if accesses do not go through MMUs. Tags are numbers of mms. */
  readonly mmus: readonly Mmu[];
  readonly views: SharedViews;
  readonly secondaryViews = new SecondaryViews();
  /** How often folios are mlocked, of those where it is not once. Object: the frame. */
  mlockCounts = new Map<number, number>();
  readonly ledger: Ledger;

  /** Who else is flushed with an address space (`Design.invalidateSecondary`). */
  secondary: readonly InvalidateSecondary[] = [];
  /** What becomes of a page of hugetlb whose last reference is dropped. Set by the machine. */
  freeHugetlb!: (cpu: number, head: number) => Op<void>;
  /** Told what happens, if anybody wants to know. No part of the state; set by `traceTo()`. */
  trace: Witness | undefined = undefined;

  constructor(size: WorldSize, bugs: Bugs = {}) {
    assert(size.cpus + size.devices <= 30, 'CPUs and devices fit a mask of 30 bits');
    this.size = size;
    this.bugs = bugs;
    this.format = size.format;
    this.tableShift = Math.max(...size.format.indexBits);
    this.tableEntries = 2 ** this.tableShift;
    assert(size.tables * this.tableEntries < 2 ** 31, 'the number of a slot is an integer');
    this.objects = new Objects(size, this.tableEntries);
    const { cpus, mms, frames, tables, vmas, swapSlots, guests, devices } = size;
    const words = (count: number): Int32Array => this.part(new Int32Array(count));
    const pages = (count: number): Float64Array => this.part(new Float64Array(count));
    this.lockHolder = words(this.objects.locks).fill(NONE);
    this.lockReaders = words(this.objects.locks);
    this.heldRanks = words(2 * cpus);
    this.irqsOff = words(cpus);
    this.rcuNesting = words(cpus);
    this.pending = words(cpus);
    this.requestMm = words(cpus);
    this.requestStart = pages(cpus);
    this.requestEnd = pages(cpus);
    this.accessMm = words(cpus + devices);
    this.accessPage = pages(cpus + devices);
    this.choice = words(1);
    [this.asleep, this.sleepQueue] = [words(cpus), words(cpus)];
    this.frameReferences = words(frames);
    this.frameMapcount = this.part(new Uint16Array(frames));
    this.frameFlags = this.part(new Uint16Array(frames));
    const isFew = Math.max(size.inodes, size.anonVmas) < 2 ** 15;
    this.frameMapping = this.part(isFew ? new Int16Array(frames) : new Int32Array(frames));
    this.frameIndex = this.part(new Uint32Array(frames));
    this.frameData = words(size.contents ? frames : 0);
    this.freeAreas = words(32).fill(NONE);
    this.cpuFreeFrames = words(cpus).fill(NONE);
    this.cpuFreeCount = words(cpus);
    this.hugeZero = words(1).fill(NONE);
    this.swapCount = words(swapSlots);
    this.swapCache = words(swapSlots).fill(NONE);
    this.swapData = words(size.contents ? swapSlots : 0);
    this.swapBuckets = words(swapSlots).fill(NONE);
    this.swapNext = words(swapSlots).fill(NONE);
    this.swapFree = words(1).fill(NONE);
    this.zoneFreeTables = words(1).fill(NONE);
    this.lanes = this.part(new Uint32Array(tables * this.tableEntries * 2));
    this.tableUsed = words(tables);
    this.tableNext = words(tables);
    this.tableShares = words(tables);
    this.tableMm = words(tables).fill(NONE);
    this.tableStart = pages(tables);
    this.tableSlot = words(tables);
    this.tableCharged = words(tables);
    this.tableDeposit = words(tables).fill(NONE);
    this.callbackTables = words(cpus).fill(NONE);
    this.mmSequence = words(mms).fill(1);
    this.mmWriteProtectSequence = words(mms);
    this.mmCpus = words(mms + guests);
    this.flushes = newFlushState(words, size);
    this.vmaReferences = words(vmas);
    this.vmaSequence = words(vmas);
    this.gatherFrames = words(cpus * size.gather);
    this.gatherFrameCount = words(cpus);
    this.gatherTables = words(cpus * size.gather);
    this.gatherTableCount = words(cpus);
    [this.gatherStart, this.gatherEnd] = [pages(cpus), pages(cpus)];
    this.violation = words(1);
    this.mmus = newMmus(size, this.lanes);
    for (const mmu of this.mmus) for (const part of mmu.parts()) this.part(part);
    this.views = new SharedViews();
    this.ledger = new Ledger(this.mmCpus, this.views, this.secondaryViews);
  }

  /** Makes an array a part of the state. */
  protected part<T extends Words>(part: T): T {
    this.#parts.push(part);
    return part;
  }

  /** From now on, or until further notice, `trace` is told what happens: entries, locks, flushes. */
  traceTo(trace: Witness | undefined): void {
    if (trace !== undefined) trace.lockName = (lock) => this.objects.describe(lock);
    this.trace = trace;
    this.ledger.trace = trace;
  }

  saveWorld(): SavedWorld {
    const parts = [...this.#parts, ...this.ledger.parts()].map((part) => part.slice());
    return {
      parts,
      views: this.views.save(),
      secondaryViews: this.secondaryViews.save(),
      mlockCounts: new Map(this.mlockCounts),
      tablesSeen: this.tablesSeen,
    };
  }

  restoreWorld({ parts: saved, views, secondaryViews, mlockCounts, tablesSeen }: SavedWorld): void {
    const own = this.#parts.length;
    this.tablesSeen = Math.max(this.tablesSeen, tablesSeen);
    const entries = 2 * this.tableEntries * this.tablesSeen;
    for (let index = 0; index < own; index++) {
      const part = this.#parts[index]!;
      part.set(part === this.lanes ? saved[index]!.subarray(0, entries) : saved[index]!);
    }
    this.ledger.restore(saved.slice(own));
    this.views.restore(views);
    this.secondaryViews.restore(secondaryViews);
    this.mlockCounts = new Map(mlockCounts);
  }
}

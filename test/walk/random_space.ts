/**
 * Random address spaces with all that a walk can meet: small and huge pages, swap, guards, markers,
 * huge pages of hugetlb in tables that are shared, and pages that are just being moved.
 */
import { formatById } from '../../src/arch/index.ts';
import * as mm from '../../src/mm/index.ts';
import { Alone } from '../../src/script/alone.ts';
import { MADV } from '../../src/uapi/mman.ts';
import { type Area, Population } from '../both_builds/random_calls.ts';
import { Random } from '../kernel/random.ts';

const PAGE = 4096;
const HUGE = 512;
const GIB = HUGE * HUGE;
/** What random calls are about. */
const AREA: Area = { first: 16 * HUGE, tables: 4, tablePages: HUGE };
/** Where shared and private huge pages of hugetlb are, and others. */
const SHARED = 8 * GIB;
const PRIVATE = 12 * GIB;
const WHOLE = 14 * GIB;
/** Small pages, and how many. */
const SMALL = 16 * GIB;
const SMALL_PAGES = 24;
const CALLS = 40;
const MAP = { SHARED_FIXED_NORESERVE: 0x4011, PRIVATE_FIXED: 0x32, HUGETLB: 0x40000 } as const;
const MFD_HUGETLB = 4;
const { PAGEFAULT_FLAG_WP, WP_HUGETLBFS_SHMEM, WP_UNPOPULATED, WP_ASYNC } = mm.UffdFeature;

export class RandomSpace {
  readonly machine: mm.Machine;
  readonly #random: Random;
  readonly #alone: Alone;
  /** What is under way on the second CPU. */
  #migration: mm.Op<number> | undefined;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.machine = new mm.Machine({
      format: formatById('x86_64-4level')!,
      ...{ cpus: 2, mms: 4, frames: 14 * HUGE, tables: 128, vmas: 256, anonVmas: 256, inodes: 12 },
      ...{ swapSlots: 48, swapIsSynchronous: true, flush: 'broadcast', gather: 8, thp: 'always' },
      ...{ hugePages: 7 },
    });
    this.#alone = new Alone(mm, this.machine);
    mm.run(mm.newProcess(this.machine, 0));
    this.#build(seed);
  }

  /** Lets what is under way end. */
  finish(): void {
    if (this.#migration !== undefined) this.#alone.run(this.#migration);
    this.#migration = undefined;
  }

  /** Performs what is not kept waiting by what is under way. */
  run<T>(operation: mm.Op<T>): T {
    return this.#alone.run(operation);
  }

  get spaces(): mm.Mm[] {
    return [...this.machine.mms.all()];
  }

  #build(seed: number): void {
    const population = new Population(mm, this.machine, seed, AREA, (_, operation) =>
      this.#alone.run(operation),
    );
    this.#mapHuge();
    for (let call = 0; call < CALLS; call++) {
      population.step();
      this.#hugeStep();
    }
    this.#mapSmall();
    this.#protectByUserfaultfd();
    this.#migrate();
  }

  /** Small pages of which some are in swap, some barred, some guarded. */
  #mapSmall(): void {
    const random = this.#random;
    const task = this.#task();
    const run = <T>(operation: mm.Op<T>): T => this.#alone.run(operation);
    this.#map(task, SMALL, SMALL_PAGES, 3, { flags: MAP.PRIVATE_FIXED, file: undefined });
    for (let count = 0; count < 6; count++) {
      const at = SMALL + random.below(SMALL_PAGES);
      run(mm.store(task, at, count));
      const [address, length] = [at * PAGE, random.between(1, 3) * PAGE];
      const drawn = random.below(5);
      if (drawn < 2) run(mm.madvise(task, address, length, MADV.PAGEOUT));
      else if (drawn === 2) run(mm.mprotect(task, address, length, 0));
      else if (drawn === 3) run(mm.madvise(task, address, length, MADV.GUARD_INSTALL));
    }
  }

  #task(): mm.Task {
    return mm.taskOn(this.machine, 0, this.#random.pick(this.spaces).id);
  }

  #mapHuge(): void {
    const random = this.#random;
    const task = this.#task();
    const file = mm.memfdCreate(task, 1, MFD_HUGETLB);
    if (typeof file === 'number') return;
    this.#map(task, SHARED, random.pick([GIB, GIB, 2 * GIB, 4 * HUGE]), 3, {
      flags: MAP.SHARED_FIXED_NORESERVE,
      file,
    });
    if (random.chance(50)) {
      this.#map(task, SHARED + 2 * GIB, GIB, 3, { flags: MAP.SHARED_FIXED_NORESERVE, file });
    }
    const own = { flags: MAP.PRIVATE_FIXED | MAP.HUGETLB | 0x4000, file: undefined };
    this.#map(task, PRIVATE, 3 * HUGE, 3, own);
    this.#map(task, WHOLE, 2 * HUGE, 3, { flags: MAP.PRIVATE_FIXED, file: undefined });
  }

  #map(
    task: mm.Task,
    page: number,
    pages: number,
    prot: number,
    kind: Pick<mm.MmapArguments, 'flags' | 'file'>,
  ): void {
    const call = { address: page * PAGE, length: pages * PAGE, prot, offset: 0, ...kind };
    this.#alone.run(mm.mmap(task, call));
  }

  /** One call about huge pages. */
  #hugeStep(): void {
    const random = this.#random;
    const task = this.#task();
    const at = random.pick([SHARED, SHARED, SHARED + GIB, SHARED + 2 * GIB, PRIVATE, WHOLE]);
    const page = at + HUGE * random.below(4);
    const [address, length] = [page * PAGE, HUGE * PAGE * random.between(1, 2)];
    const small = page + random.below(HUGE);
    const run = <T>(operation: mm.Op<T>): T => this.#alone.run(operation);
    const drawn = random.below(16);
    if (drawn < 6) run(mm.store(task, small, random.below(99)));
    else if (drawn < 9) run(mm.load(task, small));
    else if (drawn === 9) run(mm.mprotect(task, address, length, random.pick([0, 1, 3])));
    else if (drawn === 10) run(mm.madvise(task, address, length, MADV.DONTNEED));
    else if (drawn === 11) run(mm.munmap(task, address, length));
    else if (drawn === 12) run(mm.madvise(task, small * PAGE, 3 * PAGE, MADV.GUARD_INSTALL));
    else if (drawn === 13) run(mm.madvise(task, small * PAGE, 9 * PAGE, MADV.PAGEOUT));
    else if (drawn === 14) run(mm.mprotect(task, small * PAGE, 2 * PAGE, 1));
    else if (!this.machine.mms.isFull) run(mm.fork(task, 0));
  }

  /** Markers and write protection, of all kinds of memory. */
  #protectByUserfaultfd(): void {
    const random = this.#random;
    const task = this.#task();
    const uffd = mm.userfaultfd(task, 1);
    if (typeof uffd === 'number') return;
    const features = PAGEFAULT_FLAG_WP | WP_HUGETLBFS_SHMEM | WP_UNPOPULATED | WP_ASYNC;
    mm.uffdioApi(task, uffd, 0xaa, features);
    for (const { start, end, hugetlb } of task.mm.vmas.all()) {
      if (random.chance(50)) continue;
      const [address, length] = [start * PAGE, Math.min(end - start, 4 * HUGE) * PAGE];
      const whole = hugetlb === undefined ? length : (end - start) * PAGE;
      this.#alone.run(mm.uffdioRegister(task, uffd, address, whole, mm.UffdMode.WP));
      this.#alone.run(mm.uffdioWriteprotect(task, uffd, address, length, mm.UffdWpMode.WP));
    }
  }

  /** Stops on the second CPU when a page is on the move, and only its folio is locked. */
  #migrate(): void {
    const { machine } = this;
    const [cpu, place] = [1, { machine, cpu: 1 }];
    const inode = this.#random.pick([...machine.inodes.all()]);
    const head = this.#random.pick(this.#smallFolios());
    const isHuge = this.#random.chance(60) && inode?.hugetlb !== undefined;
    if (isHuge) {
      this.#migration = mm.migrateHugetlbPage(place, inode, this.#random.below(4));
    } else if (head !== undefined) {
      this.#migration = moveHeld(machine, cpu, head);
    }
    if (this.#migration === undefined) return;
    const isDone = this.#alone.run(this.#untilMoving(this.#migration));
    if (isDone) this.#migration = undefined;
  }

  #smallFolios(): (number | undefined)[] {
    const { machine } = this;
    const frames = Array.from(machine.frameMapping.keys()).filter(
      (frame) =>
        machine.frameMapping[frame] !== 0 &&
        machine.frameReferences[frame]! > 0 &&
        mm.headOf(machine, frame) === frame &&
        mm.orderOf(machine, frame) === 0,
    );
    return frames.length === 0 ? [undefined] : frames;
  }

  *#untilMoving(migration: mm.Op<number>): Generator<mm.Point, boolean, void> {
    const { heldRanks } = this.machine;
    for (;;) {
      const { done, value } = migration.next();
      if (done === true) return true;
      if (heldRanks[1] === mm.Rank.FOLIO && this.hasMigrationEntry()) return false;
      yield value;
    }
  }

  /** Whether any entry of any table says so. */
  hasMigrationEntry(): boolean {
    const { machine } = this;
    const { size, tableEntries, tableUsed } = machine;
    for (let table = 0; table < size.tables; table++) {
      if (tableUsed[table] === 0) continue;
      for (let slot = table * tableEntries; slot < (table + 1) * tableEntries; slot++) {
        if (mm.softKindAt(machine, slot) === mm.SoftKind.MIGRATION) return true;
      }
    }
    return false;
  }
}

/** Who moves a folio has a reference to it. */
function* moveHeld(machine: mm.Machine, cpu: number, head: number): mm.Op<number> {
  yield* mm.getFrame(machine, head);
  const result = yield* mm.migrateFolio(machine, cpu, head);
  yield* mm.putFrame(machine, cpu, head);
  return result;
}

/** Random calls of a few processes that map a file of huge pages in pieces. */
import type * as designs from '../../../src/designs/index.ts';
import type * as engine from '../../../src/mm/index.ts';
import { Random } from '../../kernel/random.ts';

type Design = typeof designs;
type Engine = typeof engine;

const PAGE = 4096;
const GIB = 2 ** 18;
/** Where a mapping may be: each process has one or two. */
const PLACES = [8 * GIB, 16 * GIB, 24 * GIB, 33 * GIB];
const MADV = { DONTNEED: 4, COLLAPSE: 25, SPLIT: 26 } as const;
const SHARED_FIXED_NORESERVE = 0x4011;
const MREMAP_MAYMOVE_FIXED = 3;
const PUNCH_HOLE = 3;

/** What is called, by how often of a hundred. */
const CALLS = [
  ['fill', 20],
  ['continue', 20],
  ['touch', 20],
  ['collapse', 12],
  ['drop', 6],
  ['protect', 6],
  ['move', 4],
  ['remap', 4],
  ['fork', 2],
  ['leave', 2],
  ['punch', 2],
  ['migrate', 2],
] as const;
type Call = (typeof CALLS)[number][0];
/** Brings an operation to its end. */
type Run = typeof engine.run;

export class GranularCalls {
  readonly machine: engine.Machine;
  /** How often each call did what it was asked. */
  readonly done = new Map<Call, number>();
  readonly #mm: Engine;
  readonly #run: Run;
  readonly #d: Design;
  readonly #options: designs.HgmOptions;
  readonly #random: Random;
  readonly #file: engine.OpenFile;
  readonly #pages: number;
  readonly #length: number;
  readonly #userfaultfds = new Map<engine.Task, engine.Userfaultfd>();
  #tasks: engine.Task[];

  /** @param pages of a huge page, of which the file has `count` */
  constructor(
    mm: Engine,
    d: Design,
    machine: engine.Machine,
    options: designs.HgmOptions,
    { pages, count, seed }: { pages: number; count: number; seed: number },
    run: Run = mm.run,
  ) {
    this.#mm = mm;
    this.#run = run;
    this.#d = d;
    this.machine = machine;
    this.#options = options;
    this.#random = new Random(seed);
    this.#pages = pages;
    this.#length = pages * count;
    const task = this.#run(mm.newProcess(machine, 0))!;
    this.#tasks = [task];
    const flags = 4 | ((Math.log2(pages) + 12) << 26);
    this.#file = mm.memfdCreate(task, 1, flags) as engine.OpenFile;
    this.#map(task, PLACES[0]!);
    this.#map(task, PLACES[1]!);
  }

  #map(task: engine.Task, place: number): void {
    const call = { prot: 3, flags: SHARED_FIXED_NORESERVE, file: this.#file, offset: 0 };
    const [address, length] = [place * PAGE, this.#length * PAGE];
    this.#run(this.#mm.mmap(task, { ...call, address, length }));
    const vma = task.mm.vmas.at(place);
    if (vma === undefined || this.#random.chance(10)) return;
    if (this.#options.hasAdvice) {
      this.#run(this.#mm.madvise(task, address, length, MADV.SPLIT));
    } else this.#run(this.#d.makeGranular(task, vma, place, place + this.#length));
  }

  step(): void {
    const task = this.#random.pick(this.#tasks);
    let left = this.#random.below(100);
    for (const [call, weight] of CALLS) {
      left -= weight;
      if (left >= 0) continue;
      if (this.#make(call, task)) this.done.set(call, (this.done.get(call) ?? 0) + 1);
      return;
    }
  }

  /** @returns whether it did what it was asked */
  #make(call: Call, task: engine.Task): boolean {
    const mm = this.#mm;
    const vma = this.#random.pick(task.mm.vmas.all().filter(({ file }) => file !== undefined));
    if (vma === undefined) {
      this.#map(task, this.#random.pick(PLACES));
      return false;
    }
    switch (call) {
      case 'fill': {
        const [start, end] = this.#range(vma, 1);
        return this.#run(mm.hugetlbContinue(task, vma, { start, end })) > 0;
      }
      case 'continue':
        return this.#continue(task, vma);
      case 'touch':
        return (
          this.#run(mm.handleUserFault(task, this.#pageOf(vma), this.#random.below(2) as 0)) === 0
        );
      case 'collapse': {
        const [start, end] = this.#range(vma, this.#random.pick([1, 512, this.#pages]));
        return this.#run(mm.madvise(task, start * PAGE, (end - start) * PAGE, MADV.COLLAPSE)) === 0;
      }
      case 'drop': {
        const [start, end] = this.#range(vma, this.#pages);
        return this.#run(mm.madvise(task, start * PAGE, (end - start) * PAGE, MADV.DONTNEED)) === 0;
      }
      case 'protect': {
        const length = (vma.end - vma.start) * PAGE;
        return (
          this.#run(mm.mprotect(task, vma.start * PAGE, length, this.#random.pick([0, 1, 3]))) === 0
        );
      }
      case 'move':
        return this.#move(task, vma);
      case 'remap':
        this.#run(mm.munmap(task, vma.start * PAGE, (vma.end - vma.start) * PAGE));
        this.#map(task, this.#random.pick(PLACES));
        return true;
      case 'fork':
        return this.#fork(task);
      case 'leave':
        return this.#leave(task);
      case 'punch': {
        const index = this.#random.below(this.#length / this.#pages) * this.#pages;
        return (
          this.#run(
            mm.fallocate(task, this.#file, PUNCH_HOLE, index * PAGE, this.#pages * PAGE),
          ) === 0
        );
      }
      case 'migrate':
        return this.#migrate();
    }
  }

  /** UFFDIO_CONTINUE, often of a fault that waits; some VMAs are not watched afterwards. */
  #continue(task: engine.Task, vma: engine.Vma): boolean {
    const mm = this.#mm;
    const uffd = this.#userfaultfdOf(task);
    const [address, length] = [vma.start * PAGE, (vma.end - vma.start) * PAGE];
    this.#run(mm.uffdioRegister(task, uffd, address, length, mm.UffdMode.MINOR));
    let [start, end] = this.#range(vma, 1);
    const waiting = this.#run(mm.readUserfaultfd(task, uffd));
    if (waiting?.kind === 'pagefault') {
      [start, end] = [waiting.page, waiting.page + this.#random.pick([1, 1, 2, 512])];
    }
    const request = { start: start * PAGE, length: (end - start) * PAGE, mode: 0 };
    const { bytes } = this.#run(mm.uffdioContinue(task, uffd, request));
    if (this.#random.chance(30)) this.#run(mm.uffdioUnregister(task, uffd, address, length));
    return bytes !== undefined && bytes > 0;
  }

  #userfaultfdOf(task: engine.Task): engine.Userfaultfd {
    const known = this.#userfaultfds.get(task);
    if (known !== undefined) return known;
    const mm = this.#mm;
    const uffd = mm.userfaultfd(task, 0) as engine.Userfaultfd;
    const { hasAdvice } = this.#options;
    const pieces = hasAdvice ? 0 : this.#d.MINOR_HUGETLBFS_HGM | mm.UffdFeature.EXACT_ADDRESS;
    mm.uffdioApi(task, uffd, 0xaa, this.#random.chance(90) ? pieces : 0);
    this.#userfaultfds.set(task, uffd);
    return uffd;
  }

  #pageOf({ start, end }: engine.Vma): number {
    return start + this.#random.below(end - start);
  }

  /** A range of multiples of `unit` within a VMA: often a short one, or an aligned one. */
  #range(vma: engine.Vma, unit: number): [number, number] {
    const align = Math.max(unit, this.#random.pick([1, 1, 512, this.#pages]));
    const page = this.#pageOf(vma);
    const start = Math.max(vma.start, page - (page % align));
    const most = this.#random.pick([1, 1, 1, 2, 2, 3, 5, 20, this.#random.chance(10) ? 1100 : 8]);
    const length = Math.max(1, Math.ceil((1 + this.#random.below(most)) / unit)) * unit;
    return [start, Math.min(vma.end, start + length)];
  }

  #move(task: engine.Task, vma: engine.Vma): boolean {
    const mm = this.#mm;
    const length = (vma.end - vma.start) * PAGE;
    const newAddress = this.#random.pick(PLACES) * PAGE;
    const call = { address: vma.start * PAGE, oldLength: length, newLength: length, newAddress };
    return this.#run(mm.mremap(task, { ...call, flags: MREMAP_MAYMOVE_FIXED })) === newAddress;
  }

  /** Half of the children get what their parents have mapped. */
  #fork(task: engine.Task): boolean {
    const mm = this.#mm;
    if (this.#tasks.length === 3) return false;
    const flag = this.#random.chance(50) ? mm.VM.UFFD_WP : 0;
    const vmas = task.mm.vmas.all();
    for (const vma of vmas) vma.flags |= flag;
    const child = this.#run(mm.fork(task, 0));
    for (const vma of vmas) vma.flags &= ~mm.VM.UFFD_WP;
    if (typeof child === 'number') return false;
    for (const vma of child.mm.vmas.all()) vma.flags &= ~mm.VM.UFFD_WP;
    this.#tasks.push(child);
    return true;
  }

  #leave(task: engine.Task): boolean {
    if (this.#tasks.length === 1) return false;
    this.#tasks = this.#tasks.filter((other) => other !== task);
    this.#end(task);
    return true;
  }

  #end(task: engine.Task): void {
    const uffd = this.#userfaultfds.get(task);
    if (uffd !== undefined) this.#run(this.#mm.closeUserfaultfd(task, uffd));
    this.#userfaultfds.delete(task);
    this.#run(this.#mm.exit(task));
  }

  #migrate(): boolean {
    const { machine } = this;
    const { pages } = this.#file.mapped!.inode;
    const head = pages.get(this.#random.below(this.#length / this.#pages) * this.#pages);
    if (head < 0) return false;
    machine.pins.set(head, 1);
    machine.frameReferences[head]!++;
    const result = this.#run(this.#d.migrateHugetlb(machine, 0, head, this.#options));
    machine.pins.delete(head);
    this.#run(this.#mm.putFrame(machine, 0, head));
    return result === 0;
  }

  /** Which calls hardly ever did what they were asked. */
  idle(least: number): Call[] {
    // RFC v1 moves no page that is mapped in pieces.
    const isRare = (call: Call) => call === 'migrate' && this.#options.counting === 'top';
    const names = CALLS.map(([call]) => call);
    return names.filter((call) => !isRare(call) && (this.done.get(call) ?? 0) < least);
  }

  /** All processes leave, and nobody keeps the file. */
  end(): void {
    for (const task of this.#tasks) this.#end(task);
    this.#run(this.#mm.closeInode(this.#tasks[0]!, this.#file.mapped!.inode));
  }
}

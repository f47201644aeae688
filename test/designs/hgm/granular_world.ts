/** A small machine with a file of huge pages, for tests of high-granularity mapping. */
import assert from 'node:assert/strict';
import { formatById } from '../../../src/arch/index.ts';
import * as d from '../../../src/designs/index.ts';
import { HugetlbFlag, setHugetlbFlags } from '../../../src/mm/hugetlb/folio.ts';
import * as mm from '../../../src/mm/index.ts';

import { Marker, SoftKind, setSoftEntry, softKindAt } from '../../../src/mm/table/soft_entry.ts';

export const PAGE = 4096;
/** Small pages of one of 2 MiB and of 1 GiB. */
export const HUGE = 512;
export const GIB = HUGE * HUGE;
/** Where the file is mapped first, and a second time. */
export const FIRST = 8 * GIB;
export const ALIAS = 16 * GIB;
export const MADV = { DONTNEED: 4, SPLIT: 26, COLLAPSE: 25 } as const;
export const UFFD_API = 0xaa;
const MFD_HUGETLB = 4;
const SHARED_FIXED = 0x11;
const { HUGETLB, ISOLATED } = HugetlbFlag;
const { run } = mm;

export interface Shape {
  readonly options?: d.HgmOptions;
  /** Of the pages of the file, in small pages. */
  readonly pages?: number;
  /** How many huge pages the file has. */
  readonly count?: number;
  readonly size?: Partial<mm.WorldSize>;
  readonly bugs?: mm.Bugs;
  /** Whether the machine has the design at all. */
  readonly isStock?: boolean;
}

/** What a program agrees on with UFFDIO_API that wants to be told of small pages. */
export function pieceFeatures({ hasAdvice, needsExactAddress }: d.HgmOptions): number {
  return (
    (hasAdvice ? 0 : d.MINOR_HUGETLBFS_HGM) | (needsExactAddress ? mm.UffdFeature.EXACT_ADDRESS : 0)
  );
}

/** Whether an operation of that version is asked for by an advice, or by userfaultfd. */
export class GranularWorld {
  readonly options: d.HgmOptions;
  readonly machine: mm.Machine;
  readonly task: mm.Task;
  readonly file: mm.OpenFile;
  /** Small pages of a huge one, and of the file. */
  readonly pages: number;
  readonly length: number;

  constructor({ options = d.HGM_V2, pages = HUGE, count = 2, size, bugs, isStock }: Shape = {}) {
    const isLarge = pages >= GIB;
    this.options = options;
    this.pages = pages;
    this.length = pages * count;
    this.machine = new mm.Machine(
      {
        format: formatById('x86_64-4level')!,
        mms: 4,
        frames: isLarge ? (count + 1) * GIB : (count + 3) * HUGE,
        tables: 64,
        gather: 64,
        vmas: 64,
        contents: !isLarge,
        ...(isLarge ? { gigantic: count } : { hugePages: count + 1 }),
        ...size,
      },
      bugs,
      isStock === true ? [] : [d.hgm(options)],
    );
    this.task = run(mm.newProcess(this.machine, 0))!;
    const log = Math.log2(pages) + 12;
    const file = mm.memfdCreate(this.task, 1, MFD_HUGETLB | (log << 26));
    assert.ok(typeof file !== 'number', `memfd_create() returned ${file}`);
    this.file = file;
  }

  /** Maps the file from its beginning. */
  map(page = FIRST, pages = this.length, task = this.task, flags = SHARED_FIXED): void {
    const call = { prot: 3, flags, file: this.file, offset: 0 };
    const result = run(mm.mmap(task, { ...call, address: page * PAGE, length: pages * PAGE }));
    assert.equal(result, page * PAGE);
  }

  vma(page = FIRST, task = this.task): mm.Vma {
    const vma = task.mm.vmas.at(page);
    assert.ok(vma !== undefined);
    return vma;
  }

  /** Lets pages be mapped in pieces, as the version has it. */
  split(page = FIRST, pages = this.length, task = this.task): number {
    if (this.options.hasAdvice) return this.advise(page, pages, MADV.SPLIT, task);
    return run(d.makeGranular(task, this.vma(page, task), page, page + pages));
  }

  advise(page: number, pages: number, advice: number, task = this.task): number {
    return run(mm.madvise(task, page * PAGE, pages * PAGE, advice));
  }

  collapse(page = FIRST, pages = this.length, task = this.task): number {
    return this.advise(page, pages, MADV.COLLAPSE, task);
  }

  /** UFFDIO_CONTINUE, under its locks. @returns how many pages were mapped, or a negative errno */
  fill(page: number, pages: number, task = this.task): number {
    const range = { start: page, end: page + pages };
    return run(mm.hugetlbContinue(task, this.vma(page, task), range));
  }

  /** A descriptor that the features were agreed on with, and what UFFDIO_API has returned. */
  userfaultfd(features: number): { readonly uffd: mm.Userfaultfd; readonly result: number } {
    const uffd = mm.userfaultfd(this.task, 0);
    assert.ok(typeof uffd !== 'number');
    return { uffd, result: mm.uffdioApi(this.task, uffd, UFFD_API, features).result };
  }

  /** UFFDIO_REGISTER. @returns 0 or a negative errno */
  register(uffd: mm.Userfaultfd, mode: number, page = FIRST, pages = this.length): number {
    return run(mm.uffdioRegister(this.task, uffd, page * PAGE, pages * PAGE, mode)).result;
  }

  /** Registers all of the file at `FIRST`, to be mapped in pieces, as the version has it. */
  watch(mode: number = mm.UffdMode.MINOR): mm.Userfaultfd {
    const { uffd, result } = this.userfaultfd(pieceFeatures(this.options));
    assert.equal(result, 0);
    if (this.options.hasAdvice) assert.equal(this.split(), 0);
    assert.equal(this.register(uffd, mode), 0);
    return uffd;
  }

  /** UFFDIO_CONTINUE. @returns the result, and how many bytes were mapped, or what field says */
  continue(
    uffd: mm.Userfaultfd,
    page: number,
    pages: number,
    mode = 0,
  ): readonly [result: number, bytes: number | undefined] {
    const request = { start: page * PAGE, length: pages * PAGE, mode };
    const { result, bytes } = run(mm.uffdioContinue(this.task, uffd, request));
    return [result, bytes];
  }

  /** The pages and flags of faults that wait to be read. */
  readFaults(uffd: mm.Userfaultfd): (readonly [page: number, flags: number])[] {
    const faults: (readonly [number, number])[] = [];
    for (;;) {
      const message = run(mm.readUserfaultfd(this.task, uffd));
      if (message === undefined) return faults;
      if (message.kind === 'pagefault') faults.push([message.page, message.flags]);
    }
  }

  touch(page: number, access: mm.Access = 1, task = this.task): mm.Fault {
    return run(mm.handleUserFault(task, page, access));
  }

  /** A file that has all its pages, mapped at `ALIAS`, and at `FIRST`, where nothing is touched yet. */
  static cached(shape: Shape = {}): GranularWorld {
    const world = new GranularWorld(shape);
    world.map(ALIAS);
    for (let page = 0; page < world.length; page += world.pages) world.touch(ALIAS + page);
    world.map();
    return world;
  }

  /** The same, to be mapped in pieces at `FIRST`. */
  static ready(shape: Shape = {}): GranularWorld {
    const world = GranularWorld.cached(shape);
    assert.equal(world.split(), 0);
    return world;
  }

  /** Puts a marker of userfaultfd-wp where a huge page is not mapped. */
  setMarker(page: number): void {
    const { machine, task } = this;
    const at = d.newHugetlbPte();
    run(d.fullWalkAlloc(task, task.mm, this.vma(page), page, 0, at, false));
    setSoftEntry(machine, at.slot, SoftKind.MARKER, Marker.UFFD_WP);
  }

  /** How many places of a huge page have one. */
  countMarkers(page: number): number {
    const { machine, task } = this;
    const at = d.newHugetlbPte();
    let count = 0;
    for (let next = page; next < page + this.pages; next += at.pages) {
      run(d.fullWalk(machine, task.mm, this.vma(page), next, at));
      if (softKindAt(machine, at.slot) === SoftKind.MARKER) count++;
    }
    return count;
  }

  /** Somebody gets a reference to a folio, or drops it. */
  hold(head: number, change: 1 | -1): void {
    const { machine } = this;
    if (change === 1) machine.frameReferences[head]!++;
    else run(mm.putFrame(machine, 0, head));
  }

  /** The first page is about to be moved, or no longer. */
  isolate(isOn: boolean): void {
    setHugetlbFlags(this.machine, this.head(), isOn ? HUGETLB | ISOLATED : HUGETLB);
  }

  fork(): mm.Task | number {
    return run(mm.fork(this.task, 0));
  }

  /** How `page` is mapped: small pages of the piece, or 0, and how many tables lead there. */
  pieceAt(page: number, task = this.task): number {
    const at = d.newHugetlbPte();
    const isThere = run(d.fullWalk(this.machine, task.mm, this.vma(page, task), page, at));
    if (!isThere) return 0;
    return mm.isMappedAt(this.machine, at.slot, at.level) ? at.pages : 0;
  }

  /** The pieces of `[page, page + pages)` in order: `4K+2M+.` for one of each and a small hole. */
  draw(page = FIRST, pages = this.length, task = this.task): string {
    const at = d.newHugetlbPte();
    const drawn: [string, number][] = [];
    for (let next = page; next < page + pages; ) {
      const vma = this.vma(next, task);
      const isThere = run(d.fullWalk(this.machine, task.mm, vma, next, at));
      const span = isThere ? at.pages : this.pages;
      const isMapped = isThere && mm.isMappedAt(this.machine, at.slot, at.level);
      const name = `${isMapped ? '' : '-'}${nameOf(span)}`;
      const last = drawn.at(-1);
      if (last?.[0] === name) last[1]++;
      else drawn.push([name, 1]);
      next = next - (next % span) + span;
    }
    return drawn.map(([name, count]) => (count > 1 ? `${count}x${name}` : name)).join(' ');
  }

  head(index = 0): number {
    return this.file.mapped!.inode.pages.get(index * this.pages);
  }

  references(index = 0): number {
    return this.machine.frameReferences[this.head(index)]!;
  }

  check(): void {
    mm.audit(this.machine);
    assert.equal(mm.violationOf(this.machine), undefined);
  }

  /** Everything goes, and the pools have what they had. */
  end(...others: mm.Task[]): void {
    this.check();
    for (const task of [...others, this.task]) run(mm.exit(task));
    run(mm.closeInode(this.task, this.file.mapped!.inode));
    for (const { total, free, reserved } of this.machine.hugetlb.hstates) {
      assert.deepEqual([free.length, reserved], [total, 0]);
    }
    this.check();
  }
}

function nameOf(pages: number): string {
  if (pages === GIB) return '1G';
  return pages >= 256 ? `${pages / 256}M` : `${pages * 4}K`;
}

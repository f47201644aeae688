/**
 * A host's processes in the engine: mapped, forked and touched as they were, under a design.
 *
 * Processes with private memory in common are forks of the first that has it, which maps and writes
 * before; what a fork has of its own it writes afterwards. All others begin empty, as after execve(2).
 */
import { formatById } from '../arch/index.ts';
import { assert } from '../base/assert.ts';
import { IntervalList } from '../base/interval.ts';
import type * as engine from '../mm/index.ts';
import { type MmuShape, SKYLAKE } from '../mmu/index.ts';
import { type HostSnapshot, RunKind, type Vma } from '../snapshot/records.ts';
import { Tally } from '../trace/index.ts';
import { MFD, MFD_HUGE_SHIFT } from '../uapi/files.ts';
import { MADV, MAP, PAGE_BYTES, PROT } from '../uapi/mman.ts';
import { isGoingOn } from '../whatif/change.ts';
import {
  extentOf,
  GEOMETRY,
  type Mapping,
  type Population,
  type Process,
  privatePages,
  SLOT_PAGES,
  type Touched,
} from './population.ts';
import { attachRegion, type Region, touchRegion } from './regions.ts';
import { type Engine, pluggedFor } from './setup.ts';

/** MFD_HUGETLB of 2 MiB: the size as a power of two is in the highest bits. */
const HUGETLB_2M = MFD.HUGETLB | (21 << MFD_HUGE_SHIFT);
/** Frames, tables, VMAs and inodes besides what is known to be needed. */
const SPARE = 512;
const GATHER = 512;
/** Unless a machine is made for more. */
export const FORKS_MAX = 4;
/** 32 GiB, for which a machine takes 120 MB. */
const FRAMES_MAX = 2 ** 23;

/** What processes run on. Without TLBs every access is a walk. */
export interface Hardware {
  readonly cpus: number;
  readonly tlb?: MmuShape;
  /** Processes that may be forked once all that the host has are there. */
  readonly forks?: number;
}

const USUAL: Hardware = { cpus: 4, tlb: SKYLAKE };

/** Pages `[start, end)` that a process has touched. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

export class Stage {
  readonly mm: Engine;
  readonly machine: engine.Machine;
  readonly tally: Tally;
  readonly population: Population;
  /** By process; `undefined` after its end. */
  readonly tasks: (engine.Task | undefined)[] = [];
  /** By process: where it has pages. */
  readonly places: Place[][] = [];
  /** The host before the design; processes of `population` beyond its own are regions of mshare. */
  readonly #before: HostSnapshot;
  readonly #files = new Map<number, engine.OpenFile>();
  /** Of mshare, in the order in which the population has them, each with its object. */
  readonly regions: (Region & { readonly object: number })[] = [];

  /**
   * @param population of the host as the design would leave it
   * @throws RangeError if it needs more memory than a machine is given
   */
  constructor(
    mm: Engine,
    population: Population,
    design: string,
    before: HostSnapshot,
    { cpus, tlb, forks = FORKS_MAX }: Hardware = USUAL,
  ) {
    this.mm = mm;
    this.population = population;
    this.#before = before;
    const { processes, hugePages } = population;
    const size = {
      format: formatById(GEOMETRY)!,
      cpus,
      mms: processes.length + forks,
      tables: tablesFor(population, forks),
      frames: framesFor(population, forks),
      hugePages,
      vmas: vmasFor(population),
      anonVmas: vmasFor(population),
      inodes: population.snapshot.objects.length + processes.length + SPARE,
      gather: GATHER,
      thp: 'never' as const,
      ...(tlb !== undefined && { tlb }),
    };
    this.machine = new mm.Machine(size, {}, pluggedFor(mm, design));
    const payers = processes.length + forks;
    this.tally = new Tally({ tables: size.tables, frames: size.frames, payers });
    this.machine.traceTo(this.tally);
  }

  /** Everything up to what a capture would have seen. */
  populate(): void {
    const own = this.population.processes.slice(0, this.#before.mms.length);
    for (const [index, { founder, mappings }] of own.entries()) {
      this.places[index] = [];
      if (founder >= 0) continue;
      this.#begin(index);
      for (const { vma } of mappings) this.#map(index, vma);
      this.#touchAll(index, () => true);
    }
    for (const [index, { founder }] of own.entries()) {
      if (founder >= 0) this.#fork(index, founder);
    }
    for (const index of familyMembers(own)) {
      this.places[index] = [];
      this.#touchAll(index, ({ isInherited }) => !isInherited);
    }
    for (const [at, mapping] of this.#attachRegions().entries()) {
      touchRegion(this, this.regions[at]!.places, mapping);
    }
  }

  /** Maps everything, as `populate()` does, and touches nothing but what huge pages are made of. */
  map(): void {
    const own = this.population.processes.slice(0, this.#before.mms.length);
    for (const [index, { mappings }] of own.entries()) {
      this.places[index] = [];
      this.#begin(index);
      for (const { vma } of mappings) this.#map(index, vma);
      this.#touchAll(index, ({ kind }) => kind === RunKind.THP_FILE);
    }
    this.#attachRegions();
  }

  /** Where a page of a process is that the design may have moved. */
  placeOf(index: number, page: number): number {
    const vma = vmaOf(this.#before.mms[index]!.vmas, page);
    if (vma.object < 0) return page;
    const offset = vma.offset + page - vma.start;
    const region = this.regions.find(({ object }) => object === vma.object)?.places.get(index);
    if (region !== undefined) return region + offset;
    const moved = this.population.processes[index]!.mappings.find(
      (mapping) => mapping.vma.object === vma.object && covers(mapping.vma, offset),
    );
    assert(moved !== undefined, 'what is moved is mapped elsewhere');
    return moved.vma.start + offset - moved.vma.offset;
  }

  /** @returns the mapping of each region in its host */
  #attachRegions(): Mapping[] {
    const hosts = this.population.processes.slice(this.#before.mms.length);
    if (hosts.length === 0) return [];
    const mount = this.mm.msharefs.mountMsharefs({ machine: this.machine });
    return hosts.map(({ mappings: [mapping, ...others] }) => {
      assert(mapping !== undefined && others.length === 0, 'a region holds one object');
      const region = attachRegion(this, this.#before, mount, mapping);
      this.regions.push({ ...region, object: mapping.vma.object });
      return mapping;
    });
  }

  #begin(index: number): void {
    const layout = { ...this.mm.DEFAULT_LAYOUT, commitLimit: 2 ** 40, mapCountMax: 2 ** 20 };
    this.tally.payer = index;
    const task = this.mm.run(
      this.mm.newProcess(this.machine, index % this.machine.size.cpus, layout),
    );
    assert(task !== undefined, 'a machine has room for the processes that it was made for');
    this.tasks[index] = task;
  }

  /** The task of a process, which is charged for what it does. */
  as(index: number): engine.Task {
    const task = this.tasks[index];
    assert(task !== undefined, 'who runs has not ended');
    this.tally.payer = index;
    this.tally.cpu = task.cpu;
    return task;
  }

  /** The file that an object is. */
  fileOf(object: number): engine.OpenFile {
    const known = this.#files.get(object);
    if (known !== undefined) return known;
    const { mm, population } = this;
    const task = this.tasks.find((other) => other !== undefined)!;
    const isHuge = population.snapshot.objects[object]!.kind === 'hugetlb';
    const file = mm.memfdCreate(task, 0, isHuge ? HUGETLB_2M : 0);
    assert(typeof file !== 'number', 'a machine has room for the files that it was made for');
    const pages = Math.ceil(extentOf(population.processes, object) / SLOT_PAGES) * SLOT_PAGES;
    mm.run(mm.ftruncate(task, file, pages * PAGE_BYTES));
    this.#files.set(object, file);
    return file;
  }

  #map(index: number, vma: Vma): void {
    const { mm } = this;
    const isFile = vma.object >= 0;
    const flags = vma.shared ? MAP.SHARED : MAP.PRIVATE | (isFile ? 0 : MAP.NORESERVE);
    const call = {
      address: vma.start * PAGE_BYTES,
      length: (vma.end - vma.start) * PAGE_BYTES,
      prot: vma.protection,
      flags: flags | MAP.FIXED | (isFile ? 0 : MAP.ANONYMOUS),
      file: isFile ? this.fileOf(vma.object) : undefined,
      offset: isFile ? vma.offset * PAGE_BYTES : 0,
    };
    const result = mm.run(mm.mmap(this.as(index), call));
    if (result < 0) throw new RangeError(`Cannot map what a process has mapped: errno ${-result}`);
  }

  #fork(index: number, founder: number): void {
    const { mm, population } = this;
    const child = mm.run(mm.fork(this.as(founder), index % this.machine.size.cpus));
    if (typeof child === 'number') throw new RangeError(`Cannot fork: errno ${-child}`);
    this.tasks[index] = child;
    const [process, parent] = [population.processes[index]!, population.processes[founder]!];
    const own = joined(process.mappings);
    const given = joined(parent.mappings);
    const isKept = (key: string, vma: Vma): boolean =>
      own.has(key) && given.has(key) && !isTouchedAnew(vma, process, parent);
    for (const [key, vma] of given) {
      if (isKept(key, vma)) continue;
      const [address, length] = [vma.start * PAGE_BYTES, (vma.end - vma.start) * PAGE_BYTES];
      mm.run(mm.munmap(this.as(index), address, length));
    }
    for (const [key, vma] of own) if (!isKept(key, vma)) this.#map(index, vma);
  }

  #touchAll(index: number, wanted: (touched: Touched) => boolean): void {
    for (const { vma, touched } of this.population.processes[index]!.mappings) {
      for (const part of touched) {
        if (wanted(part)) this.#touchPart(index, vma, part);
        else this.places[index]!.push(part);
      }
    }
  }

  #touchPart(index: number, vma: Vma, { start, end, kind }: Touched): void {
    const { mm } = this;
    const task = this.as(index);
    const isHidden = (vma.protection & PROT.READ) === 0;
    const [address, length] = [start * PAGE_BYTES, (end - start) * PAGE_BYTES];
    if (isHidden) mm.run(mm.mprotect(task, address, length, vma.protection | PROT.READ));
    const isHuge = kind === RunKind.HUGETLB_PMD || this.#isMappedHuge(kind, vma, start);
    const isStore = (vma.protection & PROT.WRITE) !== 0;
    const isNew = !isHuge && (kind === RunKind.THP_ANON || kind === RunKind.THP_FILE);
    // The first touch of a huge page fills it.
    this.touchPages(index, start, end, isStore, isHuge || isNew ? SLOT_PAGES : 1);
    if (isNew) mm.run(mm.madvise(task, address, length, MADV.COLLAPSE));
    if (kind === RunKind.EMPTY) mm.run(mm.madvise(task, address, length, MADV.DONTNEED));
    if (isHidden) mm.run(mm.mprotect(task, address, length, vma.protection));
  }

  touchPages(index: number, start: number, end: number, isStore: boolean, step = 1): void {
    this.access(index, start, end, isStore, step);
    this.places[index]!.push({ start, end });
  }

  /** As `touchPages()`, of pages that are in a place of the process already. */
  access(index: number, start: number, end: number, isStore: boolean, step = 1): void {
    const { mm } = this;
    const task = this.as(index);
    for (let page = start; page < end; page += step) {
      const result = isStore ? mm.run(mm.store(task, page, 1)) : mm.run(mm.load(task, page));
      if (result < 0) throw new RangeError(`Cannot touch page ${page}: it ends with ${result}`);
    }
  }

  /** Whether the file has a huge page there already, which a touch maps whole. */
  #isMappedHuge(kind: number, vma: Vma, start: number): boolean {
    if (kind !== RunKind.THP_FILE) return false;
    const { inode } = this.fileOf(vma.object).mapped!;
    const frame = inode.pages.get(start - vma.start + vma.offset);
    return (
      frame !== undefined && this.mm.orderOf(this.machine, this.mm.headOf(this.machine, frame)) > 0
    );
  }
}

/** The mapping of a page that has one. */
function vmaOf(vmas: readonly Vma[], page: number): Vma {
  let [low, high] = [0, vmas.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (vmas[middle]!.end <= page) low = middle + 1;
    else high = middle;
  }
  const vma = vmas[low];
  assert(vma !== undefined && vma.start <= page, 'a page that is accessed was mapped');
  return vma;
}

/** Forks, and those that they are forks of. */
function familyMembers(processes: readonly Process[]): number[] {
  const founders = new Set(processes.map(({ founder }) => founder));
  return [...processes.keys()].filter(
    (index) => founders.has(index) || processes[index]!.founder >= 0,
  );
}

/** Mappings by all that matters of them; neighbours that the kernel would merge are one. */
function joined(mappings: readonly Mapping[]): Map<string, Vma> {
  const vmas: Vma[] = [];
  for (const { vma } of mappings) {
    const last = vmas.at(-1);
    if (last !== undefined && isGoingOn(last, vma))
      vmas[vmas.length - 1] = { ...last, end: vma.end };
    else vmas.push(vma);
  }
  return new Map(vmas.map((vma) => [keyOf(vma), vma]));
}

/** Whether a fork has nothing of what its parent has in private memory, but other pages of its own. */
function isTouchedAnew({ start, end, shared }: Vma, fork: Process, parent: Process): boolean {
  const touchedBy = ({ mappings }: Process): Touched[] =>
    mappings
      .filter(({ vma }) => start <= vma.start && vma.end <= end)
      .flatMap(({ touched }) => touched);
  const own = touchedBy(fork);
  if (shared || own.some(({ isInherited }) => isInherited)) return false;
  return pagesOf(own) !== pagesOf(touchedBy(parent));
}

function pagesOf(touched: readonly Touched[]): string {
  const pages = new IntervalList();
  for (const { start, end } of touched) pages.add(start, end);
  return pages.union().join();
}

const covers = ({ start, end, offset }: Vma, page: number): boolean =>
  offset <= page && page < offset + end - start;

const keyOf = ({ start, end, protection, shared, object, offset }: Vma): string =>
  [start, end, protection, shared, object, offset].join();

/** Those that were seen, and upper tables of each mapping; a fork takes as many as the largest process. */
function tablesFor({ processes, snapshot }: Population, forks: number): number {
  const each = snapshot.mms.map(({ runs }) =>
    runs.count.reduce((sum, count) => sum + count + 3, 0),
  );
  const all = each.reduce((sum, tables) => sum + tables, 0);
  return SPARE + all + forks * Math.max(...each) + 2 * (processes.length + forks);
}

/**
 * What the host takes and, as far as the engine is given so much, copies of all that a fork may write.
 *
 * @throws RangeError if the host alone needs more
 */
function framesFor({ frames, hugePages, processes }: Population, forks: number): number {
  const needed = 2 * frames + SPARE + (hugePages + 1) * SLOT_PAGES;
  if (needed > FRAMES_MAX) throw new RangeError('More memory than the engine is given');
  const most = Math.max(0, ...processes.map(({ mappings }) => privatePages(mappings)));
  return Math.min(FRAMES_MAX, needed + forks * most);
}

function vmasFor({ processes }: Population): number {
  return processes.reduce((sum, { mappings }) => sum + 2 * mappings.length + 8, SPARE);
}

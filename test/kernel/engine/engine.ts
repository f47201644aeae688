/** Performs programs as the kernel's judge does, on the engine. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { formatById } from '../../../src/arch/index.ts';
import type { Inode, Layout, Machine, PmScanArg, Task, WorldSize } from '../../../src/mm/index.ts';
import { ADVICE, type Address, CATEGORIES, type Call, MAP, PROT } from '../calls.ts';
import { isHugetlb } from '../covered.ts';
import type { Program, Step } from '../program.ts';
import type { Backing, InitialState, KernelReport, Outcome, State, Vma } from '../report.ts';
import { mm } from './build.ts';
import { Files } from './files.ts';
import { MlockRecord } from './mlock_record.ts';
import { countersOf, describeVma, entriesOf, mapsLargeFolio, splitsByMove } from './observe.ts';
import { readAheadPages } from './read_ahead.ts';
import { debug, touch } from './touch.ts';
import { isUffdCall, Userfaultfds } from './uffd.ts';

const PAGE_BYTES = 4096;
/** Of a part of a large folio, the kernel splits that. */
const SPLITTING_ADVICE: readonly number[] = [ADVICE.free, ADVICE.cold, ADVICE.pageout];
const CPU = 0;

/** What every program finds enough: the kernel has more of everything. */
const SIZE = {
  format: formatById('x86_64-4level')!,
  mms: 8,
  frames: 2 ** 18,
  tables: 2 ** 13,
  vmas: 2 ** 13,
  anonVmas: 2 ** 13,
  inodes: 2 ** 10,
  userfaultfds: 16,
  gather: 512,
};

/** An address space at the time when its state is reported. */
export interface Observed {
  readonly task: Task;
  readonly process: number;
  readonly backing: (inode: Inode) => Backing;
  readonly mlocks: MlockRecord;
}

/**
 * Does `program` in a machine of its own, but for the steps that the kernel was spared.
 *
 * @param onObserve told of each state that is reported, in order
 */
export function runOnEngine(
  program: Program,
  { initial, outcomes }: KernelReport,
  onObserve: (observed: Observed) => void = () => {},
): KernelReport {
  const isStriped = program.steps.some(({ call }) => call.name === 'stripe' && call.count > 1000);
  const isHuge = program.steps.some(({ call }) => isHugetlb(call));
  const hugePages = isHuge ? initial.counters.HugePages_Free : 0;
  const size = {
    ...(isStriped ? { ...SIZE, vmas: 2 ** 17 } : SIZE),
    hugePages,
    readAheadPages: readAheadPages(),
  };
  return new Run(initial, size, onObserve).run(program, outcomes);
}

class Run {
  readonly #initial: InitialState;
  readonly #machine: Machine;
  readonly #files: Files;
  readonly #uffds = new Userfaultfds();
  readonly #mlocks = new MlockRecord();
  readonly #tasks = new Map<number, Task>();
  readonly #results = new Map<number, number>();
  readonly #states: State[] = [];
  readonly #onObserve: (observed: Observed) => void;

  constructor(
    initial: InitialState,
    size: typeof SIZE & Pick<WorldSize, 'hugePages' | 'readAheadPages'>,
    onObserve: (observed: Observed) => void,
  ) {
    this.#initial = initial;
    this.#onObserve = onObserve;
    this.#machine = new mm.Machine(size);
    this.#machine.mlockCounts = this.#mlocks;
    this.#files = new Files(this.#machine, CPU);
    const task = mm.run(mm.newProcess(this.#machine, CPU, layoutOf(initial)));
    if (task === undefined) throw new Error('Cannot start a process: the machine is too small');
    this.#tasks.set(0, task);
    for (const [index, vma] of initial.own.entries()) this.#mapOwn(task, vma, index % 2 === 0);
  }

  /**
   * The executor's own pages are all there, and its tables are its own. Some of its VMAs map a file,
   * and do not merge with their neighbours: something else has to keep them apart.
   */
  #mapOwn(task: Task, { start, end, shared }: Vma, isReserved: boolean): void {
    const kind = (shared ? MAP.shared : MAP.private) + (isReserved ? 0 : MAP.noreserve);
    mm.run(
      mm.mmap(task, {
        address: start * PAGE_BYTES,
        length: (end - start) * PAGE_BYTES,
        prot: PROT.read | PROT.write | PROT.exec,
        flags: kind | MAP.anonymous | MAP.fixed,
        file: undefined,
        offset: 0,
      }),
    );
    touchAll(task, { start, end });
  }

  run({ steps }: Program, judged: readonly Outcome[]): KernelReport {
    const outcomes: Outcome[] = [];
    for (const [index, step] of steps.entries()) {
      if (this.#isOmitted(step)) return { initial: this.#initial, outcomes, states: this.#states };
      // The executor spares itself; which calls that concerns is its own matter.
      const outcome =
        judged[index]!.kind === 'not run' ? judged[index]! : this.#perform(step, index);
      this.#results.set(step.id, outcome.kind === 'returned' ? outcome.value : 0);
      outcomes.push(outcome);
    }
    this.#audit();
    const left = [...this.#tasks].sort(([a], [b]) => a - b);
    // Each is gone, with what it had reserved, when the next one reports.
    for (const [process, task] of left) {
      this.#observe(process, task, steps.length);
      this.#exit(process, task);
    }
    this.#files.close();
    this.#uffds.closeAll({ machine: this.#machine, cpu: CPU });
    this.#audit();
    return { initial: this.#initial, outcomes, states: this.#states };
  }

  /** Whether the engine says that it does not do here what the kernel does: see docs/coverage.md. */
  #isOmitted({ process, call }: Step): boolean {
    if (call.name === 'uffd_move') return this.#splitsByMove(process, call);
    if (call.name !== 'madvise' && call.name !== 'process_madvise') return false;
    const target = call.name === 'madvise' ? process : call.target;
    const ranges: [Address, number][] = [[call.address, call.length]];
    if (call.name === 'process_madvise') ranges.push([call.address2, call.length2]);
    if (!SPLITTING_ADVICE.includes(call.advice)) return false;
    return ranges.some(([address, length]) => this.#meetsLargeFolio(target, address, length));
  }

  /** Private folios are never split. */
  #splitsByMove(process: number, { source, address, length }: Call<'uffd_move'>): boolean {
    const task = this.#tasks.get(process);
    const pageOf = (place: Address): number => Math.floor(this.#at(place) / PAGE_BYTES);
    const pages = Math.ceil(length / PAGE_BYTES);
    return task !== undefined && splitsByMove(task, pageOf(source), pageOf(address), pages);
  }

  #meetsLargeFolio(process: number, address: Address, length: number): boolean {
    const task = this.#tasks.get(process);
    const at = this.#at(address);
    const start = Math.floor(at / PAGE_BYTES);
    return task !== undefined && mapsLargeFolio(task, start, Math.ceil((at + length) / PAGE_BYTES));
  }

  #audit(): void {
    mm.audit(this.#machine);
    const violation = mm.violationOf(this.#machine);
    if (violation !== undefined) throw new Error(`The engine violates ${violation}`);
  }

  #fork(task: Task, child: number): number {
    const forked = mm.run(mm.fork(task, CPU));
    if (typeof forked === 'number') return forked;
    this.#tasks.set(child, forked);
    for (const vma of this.#initial.own) if (vma.shared) touchAll(forked, vma);
    return child;
  }

  #exit(process: number, task: Task): number {
    mm.run(mm.exit(task));
    this.#tasks.delete(process);
    return 0;
  }

  #observe(process: number, task: Task, step: number): void {
    const { ownStart, ownEnd } = this.#initial;
    const vmas = task.mm.vmas
      .all()
      .filter(({ start }) => start * PAGE_BYTES < ownStart || start * PAGE_BYTES >= ownEnd);
    this.#states.push({
      process,
      step,
      vmas: vmas.map((vma) => describeVma(vma, (inode) => this.#files.backing(inode))),
      ...entriesOf(task, vmas),
      counters: countersOf(task),
    });
    const backing = (inode: Inode): Backing => this.#files.backing(inode);
    this.#onObserve({ task, process, backing, mlocks: this.#mlocks });
  }

  #at(address: Address): number {
    if (typeof address === 'number') return address;
    const base = this.#results.get(address.step) ?? 0;
    return base - (base % 2 ** address.shift) + address.offset;
  }

  #perform({ id, process, call }: Step, index: number): Outcome {
    const task = this.#tasks.get(process);
    if (task === undefined) throw new Error('Cannot compare: the engine has no such process');
    switch (call.name) {
      case 'load':
        return touch(task, 'load', this.#at(call.address), call.pages, 0);
      case 'store':
        return touch(task, 'store', this.#at(call.address), call.pages, call.byte);
      case 'peek':
        return debug(task, this.#at(call.address), call.pages);
      case 'poke':
        return debug(task, this.#at(call.address), call.pages, call.byte);
      case 'fetch':
        return touch(task, 'fetch', Math.floor(this.#at(call.address) / 16) * 16, 1, 0);
      case 'observe':
        this.#observe(process, task, index);
        return { kind: 'returned', value: 0 };
      case 'mincore':
        return this.#mincore(task, call);
      case 'scan':
        return this.#scan(task, call);
      case 'fork':
        return outcomeOf(this.#fork(task, call.child));
      case 'thread':
        this.#tasks.set(call.child, mm.run(mm.cloneVm(task, CPU)));
        return outcomeOf(call.child);
      case 'exit':
        return outcomeOf(this.#exit(process, task));
      default:
        return outcomeOf(this.#value(task, id, call));
    }
  }

  #value(task: Task, id: number, call: Call): number {
    switch (call.name) {
      case 'mmap': {
        const file = this.#files.find(call.file);
        return mm.run(mm.mmap(task, { ...call, address: this.#at(call.address), file }));
      }
      case 'munmap':
        return mm.run(mm.munmap(task, this.#at(call.address), call.length));
      case 'mprotect':
        return mm.run(mm.mprotect(task, this.#at(call.address), call.length, call.prot));
      case 'stripe':
        return stripe(task, this.#at(call.address), call.count, call.prot);
      case 'mremap':
        return mm.run(
          mm.mremap(task, {
            ...call,
            address: this.#at(call.address),
            newAddress: this.#at(call.newAddress),
          }),
        );
      case 'brk':
        return mm.run(mm.brk(task, this.#at(call.address)));
      case 'madvise':
        return mm.run(mm.madvise(task, this.#at(call.address), call.length, call.advice));
      case 'process_madvise':
        return this.#processMadvise(task, call);
      case 'mlock':
        return mm.run(mm.mlock(task, this.#at(call.address), call.length));
      case 'mlock2':
        return mm.run(mm.mlock2(task, this.#at(call.address), call.length, call.flags));
      case 'munlock':
        return mm.run(mm.munlock(task, this.#at(call.address), call.length));
      case 'mlockall':
        return mm.run(mm.mlockall(task, call.flags));
      case 'munlockall':
        return mm.run(mm.munlockall(task));
      case 'msync':
        return mm.run(mm.msync(task, this.#at(call.address), call.length, call.flags));
      default:
        if (isUffdCall(call)) {
          const address = 'address' in call ? this.#at(call.address) : 0;
          const source = 'source' in call ? this.#at(call.source) : 0;
          return this.#uffds.perform(task, call, { address, source });
        }
        return this.#files.perform(task, id, call, 'address' in call ? this.#at(call.address) : 0);
    }
  }

  #processMadvise(task: Task, call: Call<'process_madvise'>): number {
    const target = this.#tasks.get(call.target);
    // The executor has no descriptor of it then.
    if (target === undefined) return mm.EINVAL;
    return mm.run(
      mm.processMadvise(task, {
        target: { mm: target.mm, mayRead: true },
        ranges: [
          { address: this.#at(call.address), length: call.length },
          { address: this.#at(call.address2), length: call.length2 },
        ],
        advice: call.advice,
        flags: call.flags,
        mayInfluence: true,
      }),
    );
  }

  #scan(task: Task, call: Call<'scan'>): Outcome {
    const { result, walkEnd, regions } = mm.run(
      mm.pagemapScan(task, scanArgument(call, this.#at(call.address))),
    );
    const outcome = outcomeOf(result);
    const end = walkEnd / PAGE_BYTES;
    const scanned = [...regions, { start: end, end, categories: 0 }];
    return outcome.kind === 'returned' ? { ...outcome, scanned } : outcome;
  }

  #mincore(task: Task, { address, length }: Call<'mincore'>): Outcome {
    const pages = Math.max(0, Math.ceil(length / PAGE_BYTES));
    const bytes = new Uint8Array(pages);
    const outcome = outcomeOf(mm.run(mm.mincore(task, this.#at(address), length, bytes)));
    if (outcome.kind !== 'returned') return outcome;
    return { ...outcome, resident: [...bytes.keys()].filter((page) => bytes[page] === 1) };
  }
}

function outcomeOf(value: number): Outcome {
  return value < 0 ? { kind: 'failed', errno: -value } : { kind: 'returned', value };
}

function stripe(task: Task, address: number, count: number, prot: number): number {
  let done = 0;
  while (done < count) {
    const result = mm.run(mm.mprotect(task, address + 2 * done * PAGE_BYTES, PAGE_BYTES, prot));
    if (result < 0) break;
    done++;
  }
  return done;
}

function touchAll(task: Task, { start, end }: Pick<Vma, 'start' | 'end'>): void {
  for (let page = start; page < end; page++) mm.run(mm.store(task, page, 1));
}

function scanArgument(call: Call<'scan'>, start: number): PmScanArg {
  const [categoryInverted, categoryMask, categoryAnyofMask, returnMask] = [0, 1, 2, 3].map(
    (at) => Math.floor(call.categories / CATEGORIES ** at) % CATEGORIES,
  ) as [number, number, number, number];
  const masks = { categoryInverted, categoryMask, categoryAnyofMask, returnMask };
  const { flags, length, regions, pages } = call;
  return { flags, start, end: start + length, vecLength: regions, maxPages: pages, ...masks };
}

function layoutOf({ mmapBase, taskSize, brkStart }: InitialState): Layout {
  return {
    mmapBase: mmapBase / PAGE_BYTES,
    taskSize: taskSize / PAGE_BYTES,
    brkStartBytes: brkStart,
    minAddress: 16,
    commitLimit: Math.floor(totalmem() / PAGE_BYTES),
    mapCountMax: Number(readFileSync('/proc/sys/vm/max_map_count', 'latin1')),
    stackLimit: (8 << 20) / PAGE_BYTES,
  };
}

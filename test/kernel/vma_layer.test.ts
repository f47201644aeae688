/**
 * The VMA layer against the running kernel: random programs, and the rules that were found before.
 *
 * What pages hold is not its subject: of touches, only what they do to VMAs and which signal they
 * raise is compared.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { test } from 'node:test';
import { AddressSpace } from '../../src/mm/vma/address_space.ts';
import { brk } from '../../src/mm/vma/brk.ts';
import { findForTouch, noteWriteFault } from '../../src/mm/vma/fault.ts';
import { flagNames } from '../../src/mm/vma/flag_names.ts';
import { adviseFlags } from '../../src/mm/vma/madvise.ts';
import { mlock, mlock2, mlockall, munlock, munlockall } from '../../src/mm/vma/mlock.ts';
import { mmap, type OpenFile } from '../../src/mm/vma/mmap.ts';
import { mprotect } from '../../src/mm/vma/mprotect.ts';
import { mremap } from '../../src/mm/vma/mremap.ts';
import { msync } from '../../src/mm/vma/msync.ts';
import { munmap } from '../../src/mm/vma/munmap.ts';
import { PAGE_BYTES, pageOf } from '../../src/mm/vma/pages.ts';
import {
  type Vma as EngineVma,
  isAccessible,
  type MemoryObject,
  VM,
  VM_ACCESS,
} from '../../src/mm/vma/vma.ts';
import { programs as commands, judgedTest, root } from '../live/judge.ts';
import {
  ACCESS,
  ADVICE,
  type Address,
  CALL_NAMES,
  type Call,
  type CallName,
  FILE,
} from './calls.ts';
import { generateProgram, type Weights } from './generator.ts';
import { runAllOnKernel, runOnKernel } from './kernel_judge.ts';
import { formatProgram, formatStep, type Program, parseProgram } from './program.ts';
import { referenceHost } from './reference_host.ts';
import type { InitialState, KernelReport, Outcome, Vma } from './report.ts';
import { MADVISE_RULES } from './rules/madvise.ts';
import { MMAP_RULES } from './rules/mmap.ts';
import { MREMAP_RULES } from './rules/mremap.ts';
import { findings, type Rule } from './rules/rule.ts';
import { VMA_RULES } from './rules/vma.ts';
import { shrink } from './shrink.ts';

const COVERED: Partial<Weights> = {
  mmap: 22,
  munmap: 7,
  mprotect: 12,
  mremap: 14,
  brk: 3,
  madvise: 12,
  mlock: 2,
  mlock2: 1,
  munlock: 1.5,
  mlockall: 0.15,
  munlockall: 0.3,
  msync: 1,
  memfd_create: 0.3,
  open: 0.3,
  reopen: 0.6,
  load: 5,
  store: 14,
  fetch: 1,
  observe: 1.5,
};
/** Advice that only changes flags. Not hugepage: with it, page tables decide what a touch does. */
const COVERED_ADVICE: readonly number[] = [
  ...[ADVICE.normal, ADVICE.random, ADVICE.sequential, ADVICE.dontfork, ADVICE.dofork],
  ...[ADVICE.nohugepage, ADVICE.dontdump, ADVICE.dodump, ADVICE.wipeonfork, ADVICE.keeponfork],
  42,
];
const PROGRAMS = 120;
const STEPS = 250;

const weights = Object.fromEntries(CALL_NAMES.map((name) => [name, COVERED[name] ?? 0])) as Weights;

const SIGNAL = { SIGBUS: 7, SIGSEGV: 11 } as const;
const CODE = { SEGV_MAPERR: 1, SEGV_ACCERR: 2, BUS_ADRERR: 2, SI_KERNEL: 128 } as const;
const ERRNO = { ENOENT: 2, EBADF: 9, EINVAL: 22 } as const;
const NAME_MAX = 249;

/** Performs programs as the kernel's judge does, on the VMA layer. */
class Engine {
  readonly space: AddressSpace;
  readonly #initial: InitialState;
  readonly #files = new Map<number, OpenFile>();
  readonly #madeBy = new Map<MemoryObject, number>();
  readonly #shared = new Map<MemoryObject, number>();
  readonly #results = new Map<number, number>();

  constructor(initial: InitialState) {
    this.#initial = initial;
    this.space = new AddressSpace({
      mmapBase: initial.mmapBase / PAGE_BYTES,
      taskSize: initial.taskSize / PAGE_BYTES,
      brkStartBytes: initial.brkStart,
      minAddress: 16,
      commitLimit: Math.floor(totalmem() / PAGE_BYTES),
      mapCountMax: Number(readFileSync('/proc/sys/vm/max_map_count', 'latin1')),
      stackLimit: (8 << 20) / PAGE_BYTES,
    });
    const own: MemoryObject = { placement: 'plain', pages: 512 };
    for (const { start, end } of initial.own) {
      const rest = { flags: VM.READ, file: { object: own }, pgoff: 0, anonVma: undefined };
      this.space.vmas.insert({ start, end, ...rest });
    }
    const notMapped = { mapped: undefined, isReadable: true, isWritable: false, pagesMax: 2 ** 52 };
    this.#files.set(FILE.directory, { ...notMapped, isExecutable: true });
    this.#files.set(FILE.pipe, { ...notMapped, isExecutable: false });
  }

  run(program: Program, judged: readonly Outcome[]): KernelReport {
    const states: { process: number; step: number; vmas: Vma[] }[] = [];
    const outcomes = program.steps.map(({ id, call }, step): Outcome => {
      // The executor spares itself; which calls that concerns is its own matter.
      const isSpared = judged[step]!.kind === 'not run';
      if (call.name === 'observe') states.push({ process: 0, step, vmas: this.vmas() });
      const outcome = isSpared ? judged[step]! : this.#perform(id, call);
      this.#results.set(id, outcome.kind === 'returned' ? outcome.value : 0);
      return outcome;
    });
    states.push({ process: 0, step: outcomes.length, vmas: this.vmas() });
    const { counters } = this.#initial;
    const unknown = { pages: [], entries: [], counters };
    return {
      initial: this.#initial,
      outcomes,
      states: states.map((state) => ({ ...state, ...unknown })),
    };
  }

  vmas(): Vma[] {
    const { ownStart, ownEnd } = this.#initial;
    return this.space.vmas
      .all()
      .filter(({ start }) => start * PAGE_BYTES < ownStart || start * PAGE_BYTES >= ownEnd)
      .map((vma) => this.#describe(vma));
  }

  #describe({ start, end, flags, file, pgoff }: EngineVma): Vma {
    const isShared = (flags & VM.MAYSHARE) !== 0;
    return {
      start,
      end,
      protection: flags & VM_ACCESS,
      shared: isShared,
      offset: file === undefined ? 0 : pgoff,
      backing: file === undefined ? { kind: 'anonymous' } : this.#backing(file.object),
      flags: flagNames(flags),
    };
  }

  #backing(object: MemoryObject): Vma['backing'] {
    const step = this.#madeBy.get(object);
    if (step !== undefined) return { kind: 'file', step };
    if (!this.#shared.has(object)) this.#shared.set(object, this.#shared.size);
    return { kind: 'shared', number: this.#shared.get(object)! };
  }

  #at(address: Address): number {
    if (typeof address === 'number') return address;
    const base = this.#results.get(address.step) ?? 0;
    return base - (base % 2 ** address.shift) + address.offset;
  }

  #perform(id: number, call: Call): Outcome {
    if (call.name === 'load' || call.name === 'store') {
      return this.#touch(call.name, this.#at(call.address), call.pages);
    }
    if (call.name === 'fetch') {
      const address = this.#at(call.address);
      return this.#touch(call.name, Math.floor(address / 16) * 16, 1);
    }
    const value = this.#value(id, call);
    return value < 0 ? { kind: 'failed', errno: -value } : { kind: 'returned', value };
  }

  #value(id: number, call: Call): number {
    const { space } = this;
    switch (call.name) {
      case 'mmap': {
        const file = this.#files.get(call.file);
        return mmap(space, { ...call, address: this.#at(call.address), file });
      }
      case 'munmap':
        return munmap(space, this.#at(call.address), call.length);
      case 'mprotect':
        return mprotect(space, this.#at(call.address), call.length, call.prot);
      case 'mremap': {
        const newAddress = this.#at(call.newAddress);
        return mremap(space, { ...call, address: this.#at(call.address), newAddress });
      }
      case 'brk':
        return brk(space, this.#at(call.address));
      case 'madvise':
        return adviseFlags(space, this.#at(call.address), call.length, call.advice);
      case 'mlock':
        return mlock(space, this.#at(call.address), call.length);
      case 'mlock2':
        return mlock2(space, this.#at(call.address), call.length, call.flags);
      case 'munlock':
        return munlock(space, this.#at(call.address), call.length);
      case 'mlockall':
        return mlockall(space, call.flags);
      case 'munlockall':
        return munlockall(space);
      case 'msync':
        return msync(space, this.#at(call.address), call.length, call.flags);
      case 'observe':
        return 0;
      default:
        return this.#fileCall(id, call);
    }
  }

  #fileCall(id: number, call: Call): number {
    switch (call.name) {
      case 'memfd_create':
        if (call.nameLength > NAME_MAX) return -ERRNO.EINVAL;
        return this.#newFile(id, call.file, 'plain');
      case 'open':
        return this.#newFile(id, call.file, call.place === 0 ? 'huge' : 'plain');
      case 'reopen': {
        const from = this.#files.get(call.from);
        if (from === undefined) return -ERRNO.ENOENT;
        const isReadable = call.access !== ACCESS.writeonly;
        const isWritable = call.access !== ACCESS.readonly;
        const mapped = from.mapped && { object: from.mapped.object };
        this.#files.set(call.file, { ...from, mapped, isReadable, isWritable });
        return 0;
      }
      case 'ftruncate': {
        const object = this.#files.get(call.file)?.mapped?.object;
        if (object === undefined) return -ERRNO.EBADF;
        object.pages = Math.ceil(call.length / PAGE_BYTES);
        return 0;
      }
      default:
        throw new Error(`not covered: ${call.name}`);
    }
  }

  #newFile(id: number, file: number, placement: MemoryObject['placement']): number {
    const object: MemoryObject = { placement, pages: 0 };
    this.#madeBy.set(object, id);
    const rights = { isReadable: true, isWritable: true, isExecutable: true };
    this.#files.set(file, {
      mapped: { object },
      ...rights,
      pagesMax: placement === 'huge' ? 2 ** 32 : 2 ** 51,
    });
    return 0;
  }

  #touch(name: 'load' | 'store' | 'fetch', address: number, pages: number): Outcome {
    for (let page = 0; page < pages; page++) {
      const fault = this.#fault(name, address + page * PAGE_BYTES);
      if (fault !== undefined) return fault;
    }
    return { kind: 'returned', value: 0 };
  }

  #fault(name: 'load' | 'store' | 'fetch', address: number): Outcome | undefined {
    const { SIGSEGV, SIGBUS } = SIGNAL;
    const signalled = (signal: number, code: number, at: number): Outcome => ({
      kind: 'signalled',
      signal,
      code,
      address: at < 0 ? at + 2 ** 64 : at,
    });
    if (address >= 2 ** 47 || address < -(2 ** 47)) return signalled(SIGSEGV, CODE.SI_KERNEL, 0);
    const page = pageOf(address);
    const vma = page < this.space.layout.taskSize ? findForTouch(this.space, page) : undefined;
    if (vma === undefined) return signalled(SIGSEGV, CODE.SEGV_MAPERR, address);
    const isWrite = name === 'store';
    if (!isAccessible(vma) || (isWrite && (vma.flags & VM.WRITE) === 0)) {
      return signalled(SIGSEGV, CODE.SEGV_ACCERR, address);
    }
    if (isWrite) noteWriteFault(this.space, page);
    const index = vma.pgoff + page - vma.start;
    const isBehind = vma.file !== undefined && index >= vma.file.object.pages;
    if (isBehind) return signalled(SIGBUS, CODE.BUS_ADRERR, address);
    // A fetch faults its page in like a load, and is refused by the entry only.
    const isRefused = name === 'fetch' && (vma.flags & VM.EXEC) === 0;
    return isRefused ? signalled(SIGSEGV, CODE.SEGV_ACCERR, address) : undefined;
  }
}

function runOnEngine(program: Program, { initial, outcomes }: KernelReport): KernelReport {
  return new Engine(initial).run(program, outcomes);
}

function formatOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'returned':
      return `0x${outcome.value.toString(16)}`;
    case 'failed':
      return `errno ${outcome.errno}`;
    case 'signalled':
      return `signal ${outcome.signal}, code ${outcome.code}, at 0x${outcome.address.toString(16)}`;
    case 'not run':
      return outcome.kind;
  }
}

/** What a load finds is left out. */
function comparable(program: Program, { outcomes, states }: KernelReport): unknown {
  return {
    outcomes: program.steps.map((step, index) => {
      const outcome = outcomes[index]!;
      const isLoaded = outcome.kind === 'returned' && step.call.name === 'load';
      return `${formatStep(step)} -> ${isLoaded ? 'loaded' : formatOutcome(outcome)}`;
    }),
    states: states.map(({ step, vmas }) => [
      step,
      ...vmas.map(({ start, end, offset, backing, flags }) => {
        const range = `${start.toString(16)}-${end.toString(16)}`;
        return `${range} ${offset} ${JSON.stringify(backing)} ${flags.join(' ')}`;
      }),
    ]),
  };
}

function differs(program: Program, kernel: KernelReport = runOnKernel(program)): boolean {
  const engine = comparable(program, runOnEngine(program, kernel));
  return JSON.stringify(engine) !== JSON.stringify(comparable(program, kernel));
}

function freshProgram(seed: number): Program {
  const { steps } = generateProgram(seed, STEPS, weights);
  return { steps: steps.filter(({ call }) => isCovered(call)) };
}

function isCovered(call: Call): boolean {
  if (call.name === 'madvise') return COVERED_ADVICE.includes(call.advice);
  if (call.name === 'memfd_create') return call.flags === 0;
  return call.name in COVERED || call.name === 'ftruncate';
}

const needs = [root, commands('gcc'), referenceHost];

judgedTest('the VMA layer does with random programs what the kernel does', needs, (context) => {
  const seed = Date.now() % 2 ** 31;
  context.diagnostic(`seeds from ${seed}`);
  const programs = Array.from({ length: PROGRAMS }, (_, index) => freshProgram(seed + index));
  const operations = programs.reduce((sum, { steps }) => sum + steps.length, 0);
  const reports = runAllOnKernel(programs);
  const start = performance.now();
  const wrong = programs.filter((program, index) => differs(program, reports[index]));
  const seconds = (performance.now() - start) / 1000;
  context.diagnostic(`${operations} operations, ${Math.round(operations / seconds)}/s`);
  context.diagnostic(`${wrong.length} programs differ`);
  for (const program of wrong.slice(0, 1)) {
    const small = shrink(program, (candidate) => differs(candidate));
    const kernel = runOnKernel(small);
    assert.deepEqual(
      comparable(small, runOnEngine(small, kernel)),
      comparable(small, kernel),
      formatProgram(small),
    );
  }
});

const HUGETLB = /hugetlb/;

/** Whether a rule is about calls that are covered, and about what this layer knows. */
function isApplicable({ program, tables }: Rule): boolean {
  const isValue = /\bload\b[^;\n]*$/.test(program.trimEnd());
  return (
    tables === undefined &&
    !HUGETLB.test(program) &&
    !isValue &&
    parseProgram(program).steps.every(({ call }) => isCovered(call))
  );
}

const rules = [...MMAP_RULES, ...MADVISE_RULES, ...MREMAP_RULES, ...VMA_RULES].filter(isApplicable);

judgedTest(`${rules.length} rules hold for the VMA layer`, needs, () => {
  const { initial } = runOnKernel({ steps: [] });
  const findingsOfEngine = rules.map((rule) => {
    const program = parseProgram(rule.program);
    const performed = program.steps.map((): Outcome => ({ kind: 'returned', value: 0 }));
    return findings(rule, new Engine(initial).run(program, performed));
  });
  assert.deepEqual(findingsOfEngine, rules);
});

test('every covered call is drawn', () => {
  const drawn = new Set(generateProgram(1, 2000, weights).steps.map(({ call }) => call.name));
  for (const name of Object.keys(COVERED)) assert.ok(drawn.has(name as CallName), name);
});

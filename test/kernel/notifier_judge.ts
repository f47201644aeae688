/** What notifiers are told of, step by step: by the running kernel, and by the engine. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatById } from '../../src/arch/index.ts';
import type { Design } from '../../src/designs/index.ts';
import * as mm from '../../src/mm/index.ts';
import type { Judge } from '../live/judge.ts';
import {
  AREA,
  AREA_PAGES,
  FILE,
  FILE_PAGES,
  MADV,
  PAGE_BYTES,
  type Range,
  type Step,
} from './notifier_program.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const EVENT = 'events/kvm/kvm_unmap_hva_range/enable';
const SYSCALL = {
  mmap: 9,
  mprotect: 10,
  munmap: 11,
  mremap: 25,
  madvise: 28,
  ftruncate: 77,
  fallocate: 285,
} as const;
const MREMAP_MOVE_FIXED = 3;
const PUNCH_HOLE = 3;

/** KVM is a user of notifiers, and the kernel traces what it is told. */
export const tracedKvm: Judge = {
  isHardware: true,
  missing() {
    if (!existsSync('/dev/kvm')) return 'no /dev/kvm';
    const isTraced = readFileSync('/proc/filesystems', 'utf8').includes('tracefs');
    return isTraced ? undefined : 'the kernel has no tracefs';
  },
};

/** What came of a step: its result is not negative, and these ranges were told to begin. */
export interface Told {
  readonly isDone: boolean;
  readonly ranges: readonly Range[];
}

/** Who comes by a file meets its VMAs in the order of a tree, which the engine does not keep. */
function toldIn(step: Step, result: number, ranges: readonly Range[]): Told {
  const isByFile = step.call === 'ftruncate' || step.call === 'punch' || isRemoving(step);
  const inOrder = isByFile ? ranges.toSorted(([one], [other]) => one - other) : [...ranges];
  return { isDone: result >= 0, ranges: inOrder };
}

const isRemoving = (step: Step): boolean => step.call === 'madvise' && step.value === MADV.REMOVE;

const bytes = (page: number): number => (AREA + page) * PAGE_BYTES;

function lineOf(step: Step): string {
  const call = (name: keyof typeof SYSCALL, ...values: number[]): string =>
    ['c', SYSCALL[name], ...values].join(' ');
  switch (step.call) {
    case 'load':
    case 'store':
      return `${step.call[0]} ${bytes(step.page)}`;
    case 'fork':
      return 'f';
    case 'munmap':
      return call('munmap', bytes(step.page), step.pages * PAGE_BYTES);
    case 'mmap': {
      const fd = (step.flags & 0x20) === 0 ? FILE : -1;
      return call('mmap', bytes(step.page), step.pages * PAGE_BYTES, step.prot, step.flags, fd, 0);
    }
    case 'mprotect':
    case 'madvise':
      return call(step.call, bytes(step.page), step.pages * PAGE_BYTES, step.value);
    case 'mremap': {
      const lengths = [step.pages * PAGE_BYTES, step.newPages * PAGE_BYTES];
      return call('mremap', bytes(step.page), ...lengths, MREMAP_MOVE_FIXED, bytes(step.target));
    }
    case 'ftruncate':
      return call('ftruncate', FILE, step.pages * PAGE_BYTES);
    case 'punch':
      return call('fallocate', FILE, PUNCH_HOLE, step.page * PAGE_BYTES, step.pages * PAGE_BYTES);
  }
}

/** Traces in an instance of its own, which goes again, as does the place where it is mounted. */
export function toldByKernel(programs: readonly (readonly Step[])[]): Told[][] {
  const tracing = mkdtempSync(join(tmpdir(), 'ptshare-tracing-'));
  execFileSync('mount', ['-t', 'tracefs', 'tracefs', tracing]);
  try {
    return traceIn(join(tracing, 'instances', `ptshare-${process.pid}`), programs);
  } finally {
    execFileSync('umount', [tracing]);
    rmdirSync(tracing);
  }
}

function traceIn(instance: string, programs: readonly (readonly Step[])[]): Told[][] {
  mkdirSync(instance);
  try {
    writeFileSync(join(instance, 'buffer_size_kb'), '4096');
    writeFileSync(join(instance, EVENT), '1');
    return programs.map((steps) => traceOne(instance, steps));
  } finally {
    writeFileSync(join(instance, EVENT), '0');
    rmdirSync(instance);
  }
}

function traceOne(instance: string, steps: readonly Step[]): Told[] {
  writeFileSync(join(instance, 'trace'), '');
  const { stdout, status, signal } = spawnSync(
    executable(),
    [join(instance, 'trace_marker'), `${FILE}`, `${FILE_PAGES}`],
    { input: `${steps.map(lineOf).join('\n')}\n` },
  );
  assert.equal(status ?? signal, 0, 'the program has run to its end');
  const results = stdout.toString().trim().split('\n').map(Number);
  const ranges = rangesIn(readFileSync(join(instance, 'trace'), 'utf8'), steps.length);
  return steps.map((step, at) => toldIn(step, results[at]!, ranges[at]!));
}

/** Between marks, by the one process that leaves marks. */
function rangesIn(trace: string, count: number): Range[][] {
  const ranges: Range[][] = Array.from({ length: count }, () => []);
  let at = -1;
  let marker = '';
  for (const line of trace.split('\n')) {
    const [, task] = /^\s*(\S+-\d+)\s/.exec(line) ?? [];
    const [, mark] = /tracing_mark_write: step (\d+)/.exec(line) ?? [];
    if (mark !== undefined) [at, marker] = [Number(mark), task!];
    if (/tracing_mark_write: end/.test(line)) break;
    const [, start, end] = /unmap range: 0x(\w+) -- 0x(\w+)/.exec(line) ?? [];
    if (start === undefined || task !== marker || at < 0) continue;
    const range = clip(pageOf(start), pageOf(end!));
    if (range !== undefined) ranges[at]!.push(range);
  }
  return ranges;
}

const pageOf = (hex: string): number => Math.ceil(Number.parseInt(hex, 16) / PAGE_BYTES);

/** As far as it lies in the area, from the start of that. */
function clip(start: number, end: number): Range | undefined {
  const from = Math.max(start, AREA);
  const to = Math.min(end, AREA + AREA_PAGES);
  return from < to ? [from - AREA, to - AREA] : undefined;
}

function executable(): string {
  const folder = join(ROOT, 'build/kernel_judge');
  const binary = join(folder, 'notifier');
  mkdirSync(folder, { recursive: true });
  const source = join(ROOT, 'test/kernel/notifier.c');
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', binary, source]);
  return binary;
}

/** The same by the engine. */
export function toldByEngine(steps: readonly Step[]): Told[] {
  const ranges: Range[] = [];
  const listener: Design = {
    name: 'listener',
    notifier: {
      // biome-ignore lint/correctness/useYield: it only listens
      *rangeStart(_place, _subscription, { start, end }) {
        const range = clip(start, end);
        if (range !== undefined) ranges.push(range);
        return true;
      },
    },
  };
  const format = formatById('x86_64-4level')!;
  const size = { format, mms: 2, frames: 4096, tables: 64, vmas: 256, anonVmas: 256, gather: 512 };
  const machine = new mm.Machine(size, {}, [listener]);
  const task = mm.run(mm.newProcess(machine, 0))!;
  mm.run(mm.notifierRegister(task, { design: 'listener', id: 0 }));
  const file = mm.memfdCreate(task, 0, 0) as mm.OpenFile;
  mm.run(mm.ftruncate(task, file, FILE_PAGES * PAGE_BYTES));
  return steps.map((step) => {
    ranges.length = 0;
    return toldIn(step, perform(task, file, step), ranges);
  });
}

function perform(task: mm.Task, file: mm.OpenFile, step: Step): number {
  switch (step.call) {
    case 'load':
    case 'store':
      return mm.run(
        step.call === 'load'
          ? mm.load(task, AREA + step.page)
          : mm.store(task, AREA + step.page, 1),
      );
    case 'fork': {
      const child = mm.run(mm.fork(task, 0));
      if (typeof child !== 'number') mm.run(mm.exit(child));
      return 0;
    }
    case 'munmap':
      return mm.run(mm.munmap(task, bytes(step.page), step.pages * PAGE_BYTES));
    case 'mmap': {
      const { prot, flags } = step;
      const mapped = (flags & 0x20) === 0 ? file : undefined;
      const place = { address: bytes(step.page), length: step.pages * PAGE_BYTES };
      return mm.run(mm.mmap(task, { ...place, prot, flags, file: mapped, offset: 0 }));
    }
    case 'mprotect':
      return mm.run(mm.mprotect(task, bytes(step.page), step.pages * PAGE_BYTES, step.value));
    case 'madvise':
      return mm.run(mm.madvise(task, bytes(step.page), step.pages * PAGE_BYTES, step.value));
    case 'mremap':
      return mm.run(
        mm.mremap(task, {
          address: bytes(step.page),
          oldLength: step.pages * PAGE_BYTES,
          newLength: step.newPages * PAGE_BYTES,
          flags: MREMAP_MOVE_FIXED,
          newAddress: bytes(step.target),
        }),
      );
    case 'ftruncate':
      return mm.run(mm.ftruncate(task, file, step.pages * PAGE_BYTES));
    case 'punch':
      return mm.run(
        mm.fallocate(task, file, PUNCH_HOLE, step.page * PAGE_BYTES, step.pages * PAGE_BYTES),
      );
  }
}

/**
 * Files of /proc as the running kernel has them, and as they are rendered from the engine that did
 * the same.
 *
 * What differs by nature is passed from the kernel to the renderer: names, devices and inodes of
 * files, where the executor's code and stack were. VMAs of the executor are left out of lists; sums
 * that count them are held against the sum of theirs and the others.
 */
import { headOf, type Inode, type Mm } from '../../src/mm/index.ts';
import { parseMaps } from '../../src/proc/maps.ts';
import {
  type FileName,
  kpagecountOf,
  kpageflagsOf,
  type ProcHost,
  type ProcProcess,
  pagemapOf,
  renderMaps,
  renderNumaMaps,
  renderSmaps,
  renderSmapsRollup,
  renderStat,
  renderStatm,
  renderStatus,
  type WordFile,
} from '../../src/procfs/index.ts';
import type { Observed } from '../kernel/engine/engine.ts';
import { runOnEngine } from '../kernel/engine/engine.ts';
import type { Program } from '../kernel/program.ts';
import type { InitialState, KernelReport, State, WholeFile } from '../kernel/report.ts';
import { adjust, adjustText, lruMarks } from './lru_marks.ts';
import { type Block, sumOf, vmaBlocks } from './smaps_blocks.ts';

const PAGE_BYTES = 4096;

export interface FileDifference {
  readonly file: WholeFile;
  readonly kernel: string;
  readonly engine: string;
}

/** Everything that differs in the states of a program that the engine came to. */
export function compareFiles(program: Program, report: KernelReport): FileDifference[] {
  const differences: FileDifference[] = [];
  let next = 0;
  runOnEngine(program, report, (observed) => {
    const state = report.states[next++]!;
    differences.push(...compareState(state, report.initial, observed));
  });
  return differences;
}

function compareState(state: State, initial: InitialState, observed: Observed): FileDifference[] {
  const { task } = observed;
  const names = namesOf(state, initial, task.mm);
  const host: ProcHost = {
    machine: task.machine,
    processes: [],
    nameOf: (inode) => names.get(inode) ?? { device: '?', inode: '?', path: '?' },
  };
  const process = processOf(state, observed);
  const isOwn = (start: number): boolean => start >= initial.ownStart && start < initial.ownEnd;
  const marks = lruMarks(state, observed);
  const smaps = {
    kernel: vmaBlocks(text(state, 'SMAPS')),
    engine: vmaBlocks(renderSmaps(host, process)).map((block) => adjust(block, marks)),
  };
  const others = (blocks: readonly Block[]): string =>
    blocks
      .filter(({ start }) => !isOwn(start))
      .map((block) => block.text)
      .join('');
  const maps = (lines: string): string =>
    lines
      .split('\n')
      .filter((line) => !isOwn(Number.parseInt(line, 16)))
      .join('\n');
  const numa = (lines: string): string => maps(lines).replaceAll(/ active=\d+/g, '');
  const own = (blocks: readonly Block[]): Block[] => blocks.filter(({ start }) => isOwn(start));
  const rollup = {
    kernel: withoutOwn(text(state, 'ROLLUP'), own(smaps.kernel)),
    engine: withoutOwn(adjustText(renderSmapsRollup(host, process), marks), own(smaps.engine)),
  };
  const pairs: readonly (readonly [WholeFile, string, string])[] = [
    ['MAPS', maps(text(state, 'MAPS')), maps(renderMaps(host, process))],
    ['SMAPS', others(smaps.kernel), others(smaps.engine)],
    ['ROLLUP', rollup.kernel, withSharesOf(rollup.kernel, rollup.engine, initial.own.length)],
    ['NUMA_MAPS', numa(text(state, 'NUMA_MAPS')), numa(renderNumaMaps(host, process))],
    ['STATUS', memoryLines(text(state, 'STATUS')), memoryLines(renderStatus(host, process))],
    ['STATM', text(state, 'STATM'), renderStatm(host, process)],
    ['STAT', memoryFields(text(state, 'STAT')), memoryFields(renderStat(host, process))],
    ['FRAMES', kernelFrames(state), engineFrames(state, observed)],
  ];
  return pairs
    .filter(([, kernel, engine]) => kernel !== engine)
    .map(([file, kernel, engine]) => ({ file, ...firstDifference(kernel, engine) }));
}

function text({ files }: State, file: WholeFile): string {
  return Buffer.from(files?.get(file) ?? new Uint8Array()).toString('latin1');
}

/** What the kernel calls the files that the VMAs of `mm` map, which are the same. */
function namesOf(state: State, { ownStart, ownEnd }: InitialState, mm: Mm): Map<Inode, FileName> {
  const isOwn = (page: number): boolean =>
    page * PAGE_BYTES >= ownStart && page * PAGE_BYTES < ownEnd;
  const lines = parseMaps(text(state, 'MAPS'), PAGE_BYTES).filter(({ start }) => !isOwn(start));
  const vmas = mm.vmas.all().filter(({ start }) => !isOwn(start));
  const names = new Map<Inode, FileName>();
  for (const [index, { file }] of vmas.entries()) {
    const { device, inode, name, deleted } = lines[index]!;
    if (file === undefined) continue;
    names.set(file.inode, { device, inode, path: name + (deleted ? ' (deleted)' : '') });
  }
  return names;
}

/** Where in `stat` things are, counted from 0 behind the name. */
const STAT = { vsize: 20, codeStart: 23, codeEnd: 24, stackStart: 25, brkStart: 44 };

function statFields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function processOf(state: State, { task, process }: Observed): ProcProcess {
  const fields = statFields(text(state, 'STAT'));
  return {
    pid: process + 1,
    parent: 0,
    name: 'executor',
    mm: task.mm,
    cpu: 0,
    codeStart: Number(fields[STAT.codeStart]),
    codeEnd: Number(fields[STAT.codeEnd]),
    stackStart: Number(fields[STAT.stackStart]),
  };
}

/** Not `rss`: there the kernel does without what its CPUs have not added to the counters yet. */
const memoryFields = (stat: string): string =>
  [STAT.vsize, STAT.brkStart].map((at) => statFields(stat)[at]).join(' ');

/** Of status, but for peaks; mlock(2) counts in an int, whose sum may go below zero. */
function memoryLines(status: string): string {
  return status
    .split('\n')
    .filter((line) => /^(Vm|Rss|HugetlbPages)/.test(line))
    .filter((line) => !/^(VmPeak|VmHWM):/.test(line))
    .filter((line) => !/^VmLck:\t *(-|\d{15})/.test(line))
    .join('\n');
}

/** Sums of all VMAs less those of the executor's, without the first line. */
function withoutOwn(rollup: string, own: readonly Block[]): string {
  return rollup
    .split('\n')
    .slice(1, -1)
    .map((line) => {
      const [, name, kibibytes] = /^(\w+): +(\d+) kB$/.exec(line)!;
      return `${name} ${Number(kibibytes) - sumOf(own, name!)}`;
    })
    .join('\n');
}

/**
 * Shares are rounded once in a sum, and in each VMA of the executor's: what is within that is equal.
 * Not compared are shares by type, which smaps does not tell of those VMAs.
 */
function withSharesOf(kernel: string, engine: string, vmas: number): string {
  const theirs = kernel.split('\n');
  return engine
    .split('\n')
    .map((line, index) => {
      if (/^Pss_(Anon|File|Shmem) /.test(line)) return theirs[index]!;
      if (!/^(Pss|Pss_Dirty|SwapPss|Locked) /.test(line)) return line;
      const [value, known] = [line, theirs[index]!].map((each) => Number(each.split(' ')[1]));
      return Math.abs(value! - known!) <= vmas ? theirs[index]! : line;
    })
    .join('\n');
}

interface Frame {
  readonly page: number;
  readonly entry: bigint;
  readonly count: number;
  readonly flags: bigint;
}

const FRAME_BYTES = 32;
const ENTRY_FRAME = (1n << 55n) - 1n;
const ENTRY_PRESENT = 1n << 63n;
/** Of kpageflags, what the engine knows of: see docs/procfs.md. */
const KPF_COMPARED = [3, 4, 11, 12, 15, 16, 18, 22, 24, 33].reduce(
  (sum, bit) => sum | (1n << BigInt(bit)),
  0n,
);
const KPF_ZERO_PAGE = 1n << 24n;
/** UNEVICTABLE and MLOCKED. */
const KPF_KEPT = (1n << 18n) | (1n << 33n);

function kernelFrames({ files }: State): string {
  const numbers = new Map<number, number>();
  const bytes = Buffer.from(files?.get('FRAMES') ?? new Uint8Array());
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
    frames.push({
      page: Number(bytes.readBigUInt64LE(at)),
      entry: bytes.readBigUInt64LE(at + 8),
      count: Number(bytes.readBigUInt64LE(at + 16)),
      flags: bytes.readBigUInt64LE(at + 24),
    });
  }
  return frames.map((frame) => describeFrame(frame, numbers)).join('\n');
}

/** The pages that the kernel has reported. */
function engineFrames(state: State, { task, mlocks }: Observed): string {
  const numbers = new Map<number, number>();
  const { machine, mm } = task;
  const [pagemap, counts, flags] = [
    pagemapOf(machine, mm),
    kpagecountOf(machine),
    kpageflagsOf(machine),
  ];
  const bytes = Buffer.from(state.files?.get('FRAMES') ?? new Uint8Array());
  const uncounted = (frame: number, at: number): bigint => {
    const isLost = (bytes.readBigUInt64LE(at + 24) & KPF_KEPT) === 0n;
    return isLost && mlocks.wasRepeated(headOf(machine, frame)) ? KPF_KEPT : 0n;
  };
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
    const page = Number(bytes.readBigUInt64LE(at));
    const entry = wordOf(pagemap, page);
    const frame = Number(entry & ENTRY_FRAME);
    const isPresent = (entry & ENTRY_PRESENT) !== 0n;
    lines.push(
      describeFrame(
        {
          page,
          entry,
          count: isPresent ? Number(wordOf(counts, frame)) : 0,
          flags: isPresent ? wordOf(flags, frame) & ~uncounted(frame, at) : 0n,
        },
        numbers,
      ),
    );
  }
  return lines.join('\n');
}

function wordOf(file: WordFile, index: number): bigint {
  const lanes = new Uint32Array(2);
  file.read(index, lanes);
  return (BigInt(lanes[1]!) << 32n) | BigInt(lanes[0]!);
}

function describeFrame({ page, entry, count, flags }: Frame, numbers: Map<number, number>): string {
  const where = page.toString(16);
  if ((entry & ENTRY_PRESENT) === 0n) return `${where} ${entry.toString(16)}`;
  const frame = Number(entry & ENTRY_FRAME);
  if (!numbers.has(frame)) numbers.set(frame, numbers.size);
  const bits = (entry & ~ENTRY_FRAME).toString(16);
  const isZero = (flags & KPF_ZERO_PAGE) !== 0n;
  const known = (flags & KPF_COMPARED).toString(16);
  return `${where} ${bits} frame ${numbers.get(frame)} x${isZero ? '' : count} ${known}`;
}

/** The first line that differs, with the one before that starts a VMA. */
function firstDifference(kernel: string, engine: string): { kernel: string; engine: string } {
  const [ours, theirs] = [engine.split('\n'), kernel.split('\n')];
  const at = theirs.findIndex((line, index) => line !== ours[index]);
  const index = at < 0 ? theirs.length : at;
  const head = theirs.slice(0, index).findLast((line) => /^[0-9a-f]+-[0-9a-f]+ /.test(line)) ?? '';
  const flags = theirs.slice(index).find((line) => line.startsWith('VmFlags')) ?? '';
  const shown = (lines: readonly string[]): string =>
    `${lines[index] ?? 'nothing'} of ${head} ${flags}`;
  return { kernel: shown(theirs), engine: shown(ours) };
}

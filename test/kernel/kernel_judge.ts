/**
 * The running kernel as a judge: what does it do with a program of calls?
 *
 * Programs run in processes of their own (`executor.c`), without address randomization, on one CPU
 * and one after the other. What is reported repeats from run to run: pids, inodes and frames are
 * replaced by the steps they come from or left out, and so are peaks (VmPeak, VmHWM).
 *
 * Three things outside a program could still show. Under memory pressure, reclaim takes pages of
 * files (`RssFile`, `pages`, mincore) and of MADV_FREE. Where memory is fragmented, a huge page may
 * not be had (`VmPTE`, `pages`, MADV_COLLAPSE). khugepaged, every ten seconds, may collapse what
 * MADV_HUGEPAGE marked. On a host with memory to spare none was seen in 900,000 calls.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CALL_NAMES, FILE, UFFD_PARTIAL, UFFD_UNTOUCHED } from './calls.ts';
import { decodeReports, NOT_RUN, RECORDS } from './decode.ts';
import {
  encodeProgram,
  HEAP_START,
  NAME_BYTES_MAX,
  OWN_START,
  PROCESSES_MAX,
  type Program,
  SEGMENTS_MAX,
  STEPS_MAX,
} from './program.ts';
import type { KernelReport } from './report.ts';

// From dist/test/kernel/ back to the sources, which the TypeScript compiler does not copy.
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SOURCES = join(ROOT, 'test/kernel');
const BUILD = join(ROOT, 'build/kernel_judge');
/** Where it makes files that have no name: on the file system of the checkout, and on tmpfs. */
export const EXECUTOR_ARGUMENTS: readonly string[] = [BUILD, '/dev/shm'];

const PAGE_BYTES = 4096;
const REPORT_BYTES_MAX = 2 ** 31 - 1;

const constants: Readonly<Record<string, number>> = {
  OWN: OWN_START,
  PROCESSES_MAX,
  SEGMENTS_MAX,
  STEPS_MAX,
  NAME_BYTES_MAX,
  NOT_RUN,
  /** What mincore(2) may be asked about at once. */
  RESIDENT_PAGES_MAX: 16384,
  /** A program that takes longer is ended. */
  PROGRAM_SECONDS_MAX: 20,
  FILE_DIRECTORY: FILE.directory,
  FILE_PIPE: FILE.pipe,
  UFFD_UNTOUCHED,
  UFFD_PARTIAL,
  ...Object.fromEntries(CALL_NAMES.map((name, index) => [`CALL_${name}`, index])),
  ...Object.fromEntries(RECORDS.map((name, index) => [`RECORD_${name}`, index])),
};

const FLAGS: readonly string[] = [
  ...['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Wno-sign-compare', '-Werror'],
  ...['-ffreestanding', '-nostdlib', '-static', '-no-pie', '-fPIE', '-mno-red-zone'],
  ...['-fno-stack-protector', '-fcf-protection=none'],
  `-Wl,-Ttext-segment=0x${OWN_START.toString(16)}`,
  `-Wl,--section-start=.below_heap=0x${(HEAP_START - PAGE_BYTES).toString(16)}`,
  '-Wl,-z,noexecstack,-z,norelro,--build-id=none',
  ...Object.entries(constants).map(([name, value]) => `-D${name}=${value}L`),
];

/** @throws ProgramDied if the program could not be run to its end */
export function runOnKernel(program: Program): KernelReport {
  return runAllOnKernel([program])[0]!;
}

/** Runs many programs one after the other: starting the executor costs as much as 300 calls. */
export function runAllOnKernel(programs: readonly Program[], hasFiles = false): KernelReport[] {
  // An empty program first: its counters are the executor's own.
  const all = [{ steps: [] }, ...programs];
  const { stdout, stderr, status, signal, error } = spawnSync(
    executor(hasFiles),
    EXECUTOR_ARGUMENTS,
    {
      input: Buffer.concat(all.map(encodeProgram)),
      maxBuffer: REPORT_BYTES_MAX,
    },
  );
  if (error) throw error;
  const reports = decodeReports(stdout, all);
  if (status !== 0 || reports.length !== programs.length) {
    throw new Error(`Cannot run programs: the executor ended by ${signal ?? status}: ${stderr}`);
  }
  return reports;
}

const compiled = new Map<boolean, string>();

/**
 * The program, which is compiled unless that was done before with the same sources and flags.
 *
 * @param hasFiles whether it reports whole files of /proc, too
 */
export function executor(hasFiles = false): string {
  const known = compiled.get(hasFiles) ?? compile(hasFiles);
  compiled.set(hasFiles, known);
  return known;
}

function compile(hasFiles: boolean): string {
  const flags = [...FLAGS, `-DWHOLE_FILES=${hasFiles ? 1 : 0}`];
  const sources = [
    join(SOURCES, 'executor.c'),
    ...readdirSync(join(SOURCES, 'executor')).map((name) => join(SOURCES, 'executor', name)),
  ];
  const hash = createHash('sha256').update(flags.join(' '));
  for (const path of sources) hash.update(readFileSync(path));
  const binary = join(BUILD, `executor-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(binary)) return binary;
  mkdirSync(BUILD, { recursive: true });
  const unfinished = `${binary}.${process.pid}`;
  execFileSync('gcc', [...flags, '-o', unfinished, sources[0]!]);
  renameSync(unfinished, binary);
  return binary;
}

/**
 * What a capture costs beyond what the kernel does for it: the time to scan the tables of many
 * processes, against a loop in C that makes the same two calls over the same mappings and drops
 * what they return. Both take turns on the same processes.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Geometry, geometryById } from '../../src/arch/geometry.ts';
import { captureHost } from '../../src/capture/capture.ts';
import { layoutOf } from '../../src/capture/layout.ts';
import { loadNative } from '../../src/capture/native.ts';
import { Pacer } from '../../src/capture/pacer.ts';
import { PagemapScan } from '../../src/capture/pagemap_scan.ts';
import { readTables, type TableSubject } from '../../src/capture/tables.ts';
import type { HostSnapshot } from '../../src/snapshot/records.ts';

interface Case {
  readonly processes: number;
  /** Of one shared segment, which counts once for each process. */
  readonly mebibytes: number;
  /** 1 where every page is there, 2 where every other one is: each page is a region then. */
  readonly step: number;
}

const CASES: readonly Case[] = [
  { processes: 8, mebibytes: 128, step: 1 },
  { processes: 8, mebibytes: 1024, step: 1 },
  { processes: 8, mebibytes: 1024, step: 2 },
  { processes: 16, mebibytes: 2048, step: 1 },
];
const ROUNDS = 9;
/** On the largest case. */
const RATIO_MAX = 1.25;

/** A child process that is spoken to in lines. */
class Child {
  readonly #child;
  readonly #lines;

  constructor(program: string, argv: readonly string[]) {
    this.#child = spawn(program, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('A program of this benchmark has ended too early');
    return value;
  }

  send(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
  }
}

interface Medians {
  readonly loopMs: number;
  readonly scanMs: number;
  readonly captureMs: number;
}

async function measure(folder: string, one: Case): Promise<Medians> {
  const mappers = new Child(
    join(folder, 'mappers'),
    [one.processes, one.mebibytes, one.step].map(String),
  );
  const pids: number[] = [];
  for (let line = await mappers.line(); line !== 'ready'; line = await mappers.line()) {
    pids.push(Number(line));
  }
  const loop = new Child(join(folder, 'scan_loop'), pids.map(String));
  const ours = new OwnScan(await captureHost({ pids, includeContent: false }));
  const times = { loop: [] as number[], scan: [] as number[], capture: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    loop.send('go');
    times.loop.push(Number(await loop.line()) / 1e6);
    times.scan.push(await timed(() => ours.run()));
    times.capture.push(await timed(() => captureHost({ pids, includeContent: false })));
  }
  ours.close();
  await loop.end();
  await mappers.end();
  return {
    loopMs: median(times.loop),
    scanMs: median(times.scan),
    captureMs: median(times.capture),
  };
}

/** The table scans of a capture, made to take step B, which a capture leaves out here. */
class OwnScan {
  readonly #geometry: Geometry;
  readonly #scan: PagemapScan;
  readonly #subjects: readonly TableSubject[];

  constructor({ host, objects, mms }: HostSnapshot) {
    const native = loadNative();
    if (native === undefined) throw new Error('This benchmark needs koffi: npm install');
    this.#geometry = geometryById(host.geometry)!;
    this.#scan = new PagemapScan(native, this.#geometry.pageBytes);
    this.#subjects = mms.map(({ pid, vmas, vmPtePages }) => ({
      pagemap: openSync(`/proc/${pid}/pagemap`, 'r'),
      vmas,
      layout: layoutOf(vmas, objects, this.#geometry),
      pfnmapCandidates: [],
      vmPtePages: vmPtePages + 1,
      writeProtectedStarts: () => new Set<number>(),
    }));
  }

  async run(): Promise<void> {
    const pacer = new Pacer(Number.POSITIVE_INFINITY, undefined);
    for (const subject of this.#subjects) {
      await readTables(subject, this.#scan, this.#geometry, pacer);
    }
  }

  close(): void {
    for (const { pagemap } of this.#subjects) closeSync(pagemap);
  }
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await action();
  return performance.now() - started;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

function compile(folder: string, name: string): void {
  const source = fileURLToPath(new URL(`../../../bench/capture/${name}.c`, import.meta.url));
  execFileSync('gcc', ['-O2', '-Wall', '-Werror', '-o', join(folder, name), source]);
}

const folder = mkdtempSync(join(tmpdir(), 'ptshare-bench-'));
try {
  compile(folder, 'mappers');
  compile(folder, 'scan_loop');
  console.log(`4 KiB pages, medians of ${ROUNDS}         C loop  our scan  ratio  whole capture`);
  let ratio = 0;
  for (const one of CASES) {
    const { loopMs, scanMs, captureMs } = await measure(folder, one);
    ratio = scanMs / loopMs;
    const gibibytes = (one.processes * one.mebibytes) / 1024;
    const name = `${gibibytes} GiB in ${one.processes} processes${one.step > 1 ? ', with gaps' : ''}`;
    const [loop, scan, capture] = [loopMs, scanMs, captureMs].map((ms) => `${ms.toFixed(1)} ms`);
    console.log(
      `${name.padEnd(32)} ${loop!.padStart(10)}${scan!.padStart(10)}` +
        `${ratio.toFixed(2).padStart(7)}${capture!.padStart(15)}`,
    );
  }
  if (ratio > RATIO_MAX) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}

/** The programs of `test/check/literature.ts` in Promela, and what spin needs for a full verdict. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SpinTime {
  /** `spin -a` and gcc, in ms. */
  readonly build: number;
  /** `./pan`, in ms; infinite if it ran out of time or memory. */
  readonly search: number;
}

/** Slots of the hash table, as powers of two: a small one starts faster, a large one fills slower. */
const HASH_SIZES = [16, 20, 24];
const ROUNDS = 3;
/** A search that takes as long is not run again. */
const SLOW_MS = 1000;
export const TIMEOUT_MS = 20_000;
const MEMORY_MIB_MAX = 2048;
const OPTIONS = ['-O3', '-DSAFETY', '-DNOFAIR', `-DMEMLIM=${MEMORY_MIB_MAX}`, '-w'];
/** States stored whole, or with their parts stored once. */
const VARIANTS = [[], ['-DCOLLAPSE']];

export function isSpinInstalled(): boolean {
  try {
    execFileSync('spin', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The fastest of several runs, partial-order reduction on, with the best size of its hash table. */
export function timeSpin(model: string): SpinTime {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-spin-'));
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  try {
    writeFileSync(join(folder, 'model.pml'), model);
    let best: SpinTime = { build: 0, search: Number.POSITIVE_INFINITY };
    for (const more of VARIANTS) {
      const start = performance.now();
      run('spin', '-a', 'model.pml');
      run('gcc', ...OPTIONS, ...more, '-o', 'pan', 'pan.c');
      const build = performance.now() - start;
      const search = timeSearches(folder);
      if (search < best.search || best.build === 0) best = { build, search };
    }
    return best;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The fastest search, with the best size of the hash table. */
function timeSearches(folder: string): number {
  let best = Number.POSITIVE_INFINITY;
  for (const size of HASH_SIZES) {
    for (let round = 0; round < ROUNDS && (round === 0 || best < SLOW_MS); round++) {
      const time = timePan(folder, size);
      if (time === Number.POSITIVE_INFINITY) return time;
      best = Math.min(best, time);
    }
  }
  return best;
}

/** One complete search, in ms. */
function timePan(folder: string, hashSize: number): number {
  const start = performance.now();
  const { stdout, signal } = spawnSync('./pan', ['-m100000', `-w${hashSize}`], {
    cwd: folder,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  const time = performance.now() - start;
  if (signal !== null || stdout.includes('Search not completed')) return Number.POSITIVE_INFINITY;
  if (!stdout.includes('errors: 0')) throw new Error(`spin has found an error:\n${stdout}`);
  return time;
}

const times = (count: number, make: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => make(index)).join('\n');

export const readersModel = (count: number): string => `
byte x;
active proctype writer() { x = 42 }
active [${count}] proctype reader() { byte value; value = x }
`;

export const lastZeroModel = (count: number): string => `
byte array[${count + 1}];
active proctype seeker() { byte at = ${count}; do :: array[at] != 0 -> at-- :: else -> break od }
proctype adder(byte index) { byte before; before = array[index]; array[index + 1] = before + 1 }
init { atomic { ${times(count, (index) => `run adder(${index});`)} } }
`;

export const fetchAddsModel = (threads: number, adds: number): string => `
byte x;
active [${threads}] proctype adder() { ${times(adds, () => 'd_step { x = x + 1 };')} }
`;

export const ringModel = (count: number): string => `
bit x[${count}];
proctype thread(byte mine) { bit value; x[mine] = 1; value = x[(mine + 1) % ${count}] }
init { atomic { ${times(count, (index) => `run thread(${index});`)} } }
`;

export const fileSystemModel = (count: number): string => `
bit locki[32]; byte inode[32]; bit lockb[26]; bit busy[26];
proctype allocate(byte thread) {
  byte i = thread % 32; byte b; byte value;
  atomic { locki[i] == 0 -> locki[i] = 1 };
  value = inode[i];
  if
  :: value == 0 ->
    b = (i * 2) % 26;
    do
    :: atomic { lockb[b] == 0 -> lockb[b] = 1 };
       value = busy[b];
       if
       :: value == 0 -> break
       :: else -> lockb[b] = 0; b = (b + 1) % 26
       fi
    od;
    busy[b] = 1; inode[i] = b + 1; lockb[b] = 0
  :: else
  fi;
  locki[i] = 0
}
init { atomic { ${times(count, (index) => `run allocate(${index});`)} } }
`;

/** Scripts against the running kernel: values, errnos, signals, VMAs, what is in memory, VmPTE. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { UFFD_CALLS } from '../../src/script/calls/uffd.ts';
import {
  type AddressSpaceView,
  ScriptError,
  type Step,
  type Value,
  type VmaView,
} from '../../src/script/index.ts';
import {
  type Call,
  type CallName,
  callOf,
  FILE,
  FILES_FROM,
  FILES_MAX,
  PLACE,
} from '../kernel/calls.ts';
import { runOnKernel } from '../kernel/kernel_judge.ts';
import { OWN_END, OWN_START } from '../kernel/program.ts';
import { Random } from '../kernel/random.ts';
import { referenceHost } from '../kernel/reference_host.ts';
import type { KernelReport, Outcome, State } from '../kernel/report.ts';
import { judgedTest, programs, root } from '../live/judge.ts';
import { newSeed } from '../seed.ts';
import { replaceWord } from './mutate.ts';
import { type Run, runScript } from './run_script.ts';

const PAGE_BYTES = 4096;
/** What a touch writes: any of what the executor lets be written. */
const BYTE = 0x90;
const SIGNALS: Readonly<Record<number, string>> = { 7: 'SIGBUS', 11: 'SIGSEGV' };
const CODES: Readonly<Record<string, string>> = {
  '11:1': 'SEGV_MAPERR',
  '11:2': 'SEGV_ACCERR',
  '7:2': 'BUS_ADRERR',
};

/** What the executor is to do for a step; `undefined` for what only the shell knows. */
function callFor({ name, values, outcome }: Step): Call | undefined {
  const [first, second] = values.map(Number);
  switch (name) {
    case 'read':
      return { name: 'load', address: first!, pages: pagesOf(first!, second!) };
    case 'write':
      return { name: 'store', address: first!, pages: pagesOf(first!, second!), byte: BYTE };
    case 'load':
      return { name: 'load', address: first!, pages: 1 };
    case 'store':
      return { name: 'store', address: first!, pages: 1, byte: BYTE };
    case 'peek':
    case 'poke': {
      // An offset of a file, which a debugger's address is for the executor, is no negative one.
      if (first! >= 2 ** 63) throw new RangeError('Not the same error');
      const range = { address: first!, pages: 1 };
      return name === 'peek' ? { name, ...range } : { name, ...range, byte: BYTE };
    }
    case 'exec':
      if (first! % 16 !== 0) throw new RangeError('Not the same instruction');
      return { name: 'fetch', address: first! };
    case 'fork':
      return { name, child: resultOf(outcome) - 1 };
    case 'mmap': {
      const [address, length, prot, flags, fd, offset] = values.map(Number);
      return callOf('mmap', [address!, length!, prot!, flags!, fileOf(fd!), offset!]);
    }
    case 'memfd_create': {
      const file = fileOf(resultOf(outcome));
      return { name, file, flags: second!, nameLength: String(values[0]).length };
    }
    case 'open':
      return { name, file: fileOf(resultOf(outcome)), place: PLACE.ext4 };
    case 'ftruncate':
      return { name, file: fileOf(first!), length: second! };
    case 'fallocate': {
      const [fd, mode, offset, length] = values.map(Number);
      return { name, file: fileOf(fd!), mode: mode!, offset: offset!, length: length! };
    }
    case 'pwrite': {
      const [fd, length, offset] = values.map(Number);
      if (length! <= 0) throw new RangeError('Not the same length');
      return { name: 'fill', file: fileOf(fd!), offset: offset!, length: length!, byte: BYTE };
    }
    case 'shmget':
      return { name, segment: resultOf(outcome), length: second!, flags: 0 };
    case 'as':
    case 'cpu':
    case 'echo':
    case 'show':
    case 'maps':
    case 'tables':
    case 'audit':
      return undefined;
    default:
      return callOf(name as CallName, values.map(Number));
  }
}

/** Descriptors are the numbers of files: none is used twice. */
function fileOf(descriptor: number): number {
  // An int: what is above 32 bits does not count.
  const number = descriptor | 0;
  return number >= 0 && number < FILES_MAX ? FILES_FROM + number : FILE.none;
}

function resultOf(outcome: Step['outcome']): number {
  if (outcome.kind === 'returned') return Number(outcome.value);
  throw new RangeError('What was not made has no number');
}

/** The executor goes on a page farther from where it starts, a script at the start of the next one. */
function pagesOf(address: number, bytes: number): number {
  if (bytes <= 0) return 0;
  const isExact = Number.isSafeInteger(address);
  if (!isExact || (address % PAGE_BYTES !== 0 && bytes > 1))
    throw new RangeError('Not the same touches');
  return Math.ceil((address + bytes) / PAGE_BYTES) - Math.floor(address / PAGE_BYTES);
}

function outcomeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'returned':
      return `returned ${outcome.value}`;
    case 'failed':
      return `failed ${outcome.errno}`;
    case 'signalled': {
      const code = CODES[`${outcome.signal}:${outcome.code}`] ?? 'SI_KERNEL';
      return `${SIGNALS[outcome.signal]} ${code} ${outcome.address}`;
    }
    case 'not run':
      return outcome.kind;
  }
}

/** Of the shell, or with numbers of its own: descriptors, segments and pids that the judge gives otherwise. */
const UNJUDGED: readonly string[] = [
  ...UFFD_CALLS.map(({ name }) => name),
  ...['help', 'close', 'spawn', 'vfork', 'clone', 'exit', 'process_madvise', 'shmctl', 'brk'],
];

/** Touches return what they find, others numbers of their own. */
const UNCOMPARED: readonly string[] = [
  ...['read', 'write', 'load', 'store', 'exec', 'fork', 'memfd_create', 'open', 'shmget', 'pwrite'],
  ...['mincore', 'peek', 'poke'],
];

function stepText({ name, outcome }: Step, judged: Outcome): string {
  switch (outcome.kind) {
    case 'returned': {
      const isFine = UNCOMPARED.includes(name) && judged.kind === 'returned';
      return isFine ? outcomeText(judged) : `returned ${outcome.value}`;
    }
    case 'failed':
      return `failed ${outcome.errno}`;
    case 'signalled': {
      const { signal } = outcome;
      return `${signal.name} ${signal.code} ${Number(signal.address)}`;
    }
    default:
      return outcome.kind;
  }
}

function vmaText({ start, end, rights, flags }: VmaView): string {
  return `${start.toString(16)}-${end.toString(16)} ${rights} ${flags.join(' ')}`;
}

function engineSpace({ pids, vmas, resident, tables }: AddressSpaceView): object {
  return {
    process: pids[0]! - 1,
    vmas: vmas.map(vmaText),
    resident: [resident.anon, resident.file, resident.shmem],
    tables,
  };
}

/** Without the tables of the executor's own slot, which it has in every process. */
function kernelSpace(state: State, { initial }: KernelReport): object {
  const { counters, process } = state;
  const vmas = state.vmas.map(({ start, end, protection, shared, flags }) => {
    const letter = (bit: number, shown: string): string => (protection & bit ? shown : '-');
    const rights = letter(1, 'r') + letter(2, 'w') + letter(4, 'x') + (shared ? 's' : 'p');
    return `${(start * PAGE_BYTES).toString(16)}-${(end * PAGE_BYTES).toString(16)} ${rights} ${flags.join(' ')}`;
  });
  return {
    process,
    vmas,
    resident: [
      counters.RssAnon - initial.counters.RssAnon,
      counters.RssFile - initial.counters.RssFile,
      counters.RssShmem - initial.counters.RssShmem,
    ],
    tables: counters.VmPTE - initial.counters.VmPTE,
  };
}

interface Judgement {
  readonly performed: readonly Step[];
  readonly report: KernelReport;
}

/** What the kernel does with the steps of a script. */
function judge({ steps }: Run): Judgement {
  const performed = steps.filter((step) => callFor(step) !== undefined);
  const program = {
    steps: performed.map((step, id) => ({ id, process: step.pid - 1, call: callFor(step)! })),
  };
  return { performed, report: runOnKernel(program) };
}

function assertAsOnKernel(run: Run, { performed, report } = judge(run)): void {
  performed.forEach((step, index) => {
    const judged = report.outcomes[index]!;
    assert.equal(stepText(step, judged), outcomeText(judged), `${step.line}: ${step.call}`);
  });
  assert.deepEqual(
    run.session.view().addressSpaces.map(engineSpace),
    report.states.map((state) => kernelSpace(state, report)),
  );
  assert.equal(run.session.audit(), undefined);
}

const needs = [root, programs('gcc'), referenceHost];
/** What the host promises at most to one call: memory and swap. */
const hostBytes = [
  ...readFileSync('/proc/meminfo', 'utf8').matchAll(/^(?:Mem|Swap)Total: *(\d+) kB/gm),
].reduce((sum, [, kib]) => sum + Number(kib) * 1024, 0);
const memoryBytes = Math.min(totalmem(), 2 ** 32);

const EXAMPLES = 'examples/run';
for (const name of readdirSync(EXAMPLES).filter((file) => file.endsWith('.txt'))) {
  judgedTest(`${name} does what the kernel does`, needs, () => {
    assertAsOnKernel(runScript(readFileSync(join(EXAMPLES, name), 'utf8'), { memoryBytes }));
  });
}

const SCRIPTS: Readonly<Record<string, string>> = {
  placement: `
    a = mmap(NULL, 4*K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS)
    b = mmap(NULL, 2*M, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS)
    c = mmap(NULL, 3*M + 1, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS)
    mmap(a - 64*M, 4*K, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED_NOREPLACE)
    mmap(a, 4*K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED_NOREPLACE)
    mmap(0x10000, 64*K, PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED)
    mmap(NULL, 4*K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_32BIT)`,
  errors: `
    mmap(NULL, 0, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS)
    mmap(NULL, 4*K, PROT_READ, MAP_ANONYMOUS)
    mmap(NULL, 4*K, PROT_READ, MAP_PRIVATE)
    mmap(NULL, -1, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS)
    mmap(NULL, 200*T, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS)
    mmap(4097, 4*K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED)
    munmap(1, 4*K)
    munmap(0, 0)
    munmap(0x1000, 4*K)
    mprotect(0x10000, 4*K, PROT_READ)
    mprotect(1, 4*K, PROT_READ)
    mremap(0x10000, 4*K, 8*K, MREMAP_MAYMOVE)
    madvise(0, 4*K, 1234)
    madvise(0x10000, 4*K, MADV_NORMAL)
    munmap(0xffffffffffffffff, 1)
    munmap(0xdeadbeefdeadbeef, 4*K)`,
  signals: `
    a = mmap(NULL, 16*K, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS)
    write(a); read(a + 12*K, 8*K); read(a + 16*K + 5); read(0); exec(a)
    mprotect(a + 4*K, 4*K, PROT_NONE); read(a, 16*K); read(a + 4*K + 7)
    read(0x7fffffffffff); read(0x800000000000); read(-8)`,
  'copying on write': `
    a = mmap(NULL, 2*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS)
    write(a, 1*M); read(a + 1*M, 64*K)
    p = fork(); write(a, 64*K); as(p); write(a + 32*K, 64*K); munmap(a + 512*K, 128*K)
    q = fork(); as(q); write(a, 2*M)`,
  files: `
    f = memfd_create("seg"); ftruncate(f, 4*M)
    a = mmap(NULL, 4*M, PROT_READ|PROT_WRITE, MAP_SHARED, f); write(a, 1*M)
    b = mmap(NULL, 4*M, PROT_READ|PROT_WRITE, MAP_PRIVATE, f); read(b, 64*K); write(b, 32*K)
    p = fork(); as(p); read(a, 2*M); write(b + 1*M, 64*K)
    fallocate(f, FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE, 256*K, 256*K)
    ftruncate(f, 512*K); read(a + 512*K); write(a, 64*K); mincore(a, 1*M)`,
  'a file of a disk': `
    f = open("data"); pwrite(f, 1*M); a = mmap(NULL, 2*M, PROT_READ|PROT_WRITE, MAP_SHARED, f)
    read(a, 1*M); write(a, 8*K); read(a + 1*M); msync(a, 1*M, MS_SYNC)
    b = mmap(NULL, 1*M, PROT_READ|PROT_WRITE, MAP_PRIVATE, f, 64*K); write(b, 16*K)`,
  segments: `
    s = shmget(IPC_PRIVATE, 1*M); a = shmat(s); write(a, 256*K)
    p = fork(); as(p); read(a, 512*K); b = shmat(s, NULL, SHM_RDONLY); read(b, 64*K); write(b)
    shmdt(a); shmdt(a); shmat(s, 4097); shmat(s, 0x10001, SHM_RND)`,
  moving: `
    a = mmap(NULL, 4*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS)
    write(a, 3*M); b = mremap(a, 4*M, 6*M, MREMAP_MAYMOVE); read(b, 4*M)
    mremap(b, 6*M, 1*M); mremap(b, 1*M, 2*M, MREMAP_MAYMOVE|MREMAP_FIXED, b + 16*M); read(b)`,
};

for (const [name, text] of Object.entries(SCRIPTS)) {
  judgedTest(`a script on ${name} does what the kernel does`, needs, () => {
    assertAsOnKernel(runScript(text, { memoryBytes }));
  });
}

test('every example is a script or a module', () => {
  for (const name of readdirSync(EXAMPLES)) assert.match(name, /^[a-z_]+\.(txt|ts)$/);
});

const MUTANTS = 60;
const WORDS_REPLACED = 3;

judgedTest(`${MUTANTS} scripts with other words do what the kernel does`, needs, (context) => {
  const seed = newSeed();
  context.diagnostic(`PTSHARE_SEED=${seed}`);
  const random = new Random(seed);
  const originals = Object.values(SCRIPTS);
  for (let count = 0; count < MUTANTS; ) {
    let text = originals[random.below(originals.length)]!;
    for (let words = 0; words < WORDS_REPLACED; words++) text = replaceWord(text, random);
    const run = runIfPossible(text);
    const judged = run && judgeIfPossible(run);
    if (judged === undefined) continue;
    count++;
    try {
      assertAsOnKernel(run!, judged);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`PTSHARE_SEED=${seed}, script ${count}: ${message}\n${text}`, {
        cause: error,
      });
    }
  }
});

/**
 * Whether machine and host are to do the same: the pools of hugetlb are not the same, the host,
 * which may have more memory, promises more of it, and where the executor is nothing can be mapped.
 */
function isJudged(step: Step): boolean {
  const { name, call, values } = step;
  const isBetween = (value: Value): boolean =>
    typeof value === 'bigint' && value > memoryBytes && value <= hostBytes;
  if (UNJUDGED.includes(name) || call.includes('HUGETLB') || isOverExecutor(step)) return false;
  return !values.some(isBetween);
}

/** Which of the arguments is the length of what a call maps. */
const LENGTH_MAPPED: Readonly<Record<string, number>> = { mmap: 1, mremap: 2 };

function isOverExecutor({ name, values, outcome }: Step): boolean {
  const argument = LENGTH_MAPPED[name];
  if (argument === undefined || outcome.kind !== 'returned') return false;
  const start = Number(outcome.value);
  return start < OWN_END && start + Number(values[argument]) > OWN_START;
}

/** `undefined` if a step is none for the judge, which cannot do all, and spares itself. */
function judgeIfPossible(run: Run): Judgement | undefined {
  try {
    const judged = judge(run);
    return judged.report.outcomes.some(({ kind }) => kind === 'not run') ? undefined : judged;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** `undefined` for a script that is refused, or has what the judge does not know. */
function runIfPossible(text: string): Run | undefined {
  try {
    const run = runScript(text, { memoryBytes });
    return run.steps.every(isJudged) ? run : undefined;
  } catch (error) {
    if (error instanceof ScriptError) return undefined;
    throw error;
  }
}

/** Sessions that perform random calls, and tell a trace of it. */
import { formatById } from '../../src/arch/index.ts';
import { type Engine, ScriptError, Session } from '../../src/script/index.ts';
import { TraceWriter } from '../../src/trace/index.ts';
import type { Random } from '../kernel/random.ts';

const FORMATS = ['x86_64-4level', 'arm64-4k-48bit', 'riscv64-sv39'];
const PAGE = 4096n;
/** Where things are mapped: four large pages' worth, and the same again. */
const BASE = 64n * 2n ** 21n;
const AREA_PAGES = 8 * 512;
const PROTECTIONS = [0n, 1n, 3n, 3n, 3n, 7n];
/** MAP_FIXED with MAP_PRIVATE or MAP_SHARED, MAP_ANONYMOUS. */
const KINDS = [0x32n, 0x32n, 0x31n];
const MADV_FREE = 8n;
const MADV_PAGEOUT = 21n;
/** From WILLNEED to GUARD_REMOVE, as far as they do something to tables. */
const ADVICE = [
  3n,
  4n,
  4n,
  8n,
  8n,
  9n,
  14n,
  18n,
  19n,
  20n,
  21n,
  21n,
  22n,
  23n,
  25n,
  25n,
  102n,
  103n,
];

export interface TracedSession {
  readonly session: Session;
  readonly trace: TraceWriter;
}

/** @param number decides the format, and whether there are huge pages */
export function tracedSession(mm: Engine, isCanonical: boolean, number: number): TracedSession {
  const format = FORMATS[number % FORMATS.length]!;
  const trace = new TraceWriter({ clock: 'steps', format });
  const session = new Session({
    mm,
    isCanonical,
    trace,
    format: formatById(format)!,
    cpus: 2,
    memoryBytes: 2 ** 24,
    thp: number % 2 === 0 ? 'always' : 'never',
    mapCountMax: 65530,
    onStep: () => {},
  });
  return { session, trace };
}

/** Performs a random call; what cannot be done is passed over. Its values do not depend on the build. */
export function callAtRandom(session: Session, random: Random): void {
  const [address, other] = [place(random), place(random)];
  const length = BigInt(random.pick([1, 64, 512, 512, 512, 700])) * PAGE;
  const call = (name: string, ...values: bigint[]): void => {
    try {
      session.call(name, values);
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
    }
  };
  const prot = random.pick(PROTECTIONS);
  const kind = random.pick(KINDS);
  const advice = random.pick(ADVICE);
  const number = BigInt(random.between(1, 4));
  const calls: readonly (() => void)[] = [
    () => call('mmap', address, length, prot, kind, -1n, 0n),
    () => call('mmap', address, length, 3n, kind, -1n, 0n),
    () => call('munmap', address, length),
    () => call('mprotect', address, length, prot),
    () => call('mremap', address, length, length, 3n, other),
    () => call('madvise', address, length, advice),
    () => call('madvise', address, length, advice),
    () => call('read', address, length),
    () => call('write', address, length),
    () => call('write', address, PAGE),
    () => call('store', other, 7n),
    // Given back, wanted again, and found so by reclaim.
    () => {
      call('write', address, PAGE);
      call('madvise', address, PAGE, MADV_FREE);
      call('store', address, 7n);
      call('madvise', address, PAGE, MADV_PAGEOUT);
    },
    () => call('mlock', address, length),
    () => call('fork'),
    () => call('as', number),
    () => call('cpu', number % 2n),
    () => (random.chance(30) ? call('exit') : call('as', 1n)),
  ];
  random.pick(calls)();
}

function place(random: Random): bigint {
  const page = random.chance(70) ? random.below(4) * 512 : random.below(AREA_PAGES);
  return BASE + BigInt(page) * PAGE;
}

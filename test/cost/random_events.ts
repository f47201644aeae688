/** What happens on random hosts: events, made to fit what a process has mapped by then. */
import fc from 'fast-check';
import type { ProcessEvent } from '../../src/cost/happen.ts';
import type { HostSnapshot, Mm, Vma } from '../../src/snapshot/records.ts';
import { PROT } from '../../src/uapi/mman.ts';
import type { Life } from '../../src/whatif/life.ts';
import { GIB } from './random_hosts.ts';

const TABLE = 512;
const EIGHTHS = 8;
/** Where nothing is mapped. */
const FREE = 32 * GIB;

const event = fc.record({
  what: fc.constantFrom(
    'unmap',
    'protect',
    'protect',
    'restore',
    'move',
    'discard',
    'store',
    'fork',
    'exit',
    'region',
    'detach',
  ),
  process: fc.nat(5),
  mapping: fc.nat(7),
  /** Eighths of the mapping. */
  from: fc.oneof(fc.nat(EIGHTHS - 1), fc.constant(0)),
  length: fc.oneof(fc.integer({ min: 1, max: EIGHTHS }), fc.constant(EIGHTHS)),
  /** Whether it begins and ends with tables, where it can. */
  isAligned: fc.boolean(),
  isWritable: fc.boolean(),
});
export type RandomEvent = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** A part of a mapping gets other rights, all of it gets its own back, and then all is discarded. */
const undone = event.map((one): RandomEvent[] => [
  { ...one, what: 'protect', from: 0, length: 1, isAligned: false, isWritable: false },
  { ...one, what: 'restore' },
  { ...one, what: 'discard', from: 0, length: EIGHTHS },
]);

const EVENTS_MAX = 8;
export const events = fc
  .array(
    fc.oneof({ weight: 5, arbitrary: event.map((one) => [one]) }, { weight: 2, arbitrary: undone }),
    { maxLength: EVENTS_MAX },
  )
  .map((chains) => chains.flat());

/**
 * The event that `random` is to process `mm` now, if it can be one.
 *
 * @param number of the event: what is moved comes to where nothing was
 */
export function eventOf(
  life: Life,
  { objects }: HostSnapshot,
  random: RandomEvent,
  mm: number,
  number: number,
): ProcessEvent | undefined {
  const { what } = random;
  if (what === 'fork' || what === 'exit') return { what, mm };
  if (what === 'region' || what === 'detach') return undefined;
  const { vmas } = life.mms[mm] as Mm;
  const vma = vmas[random.mapping % Math.max(vmas.length, 1)];
  if (vma === undefined) return undefined;
  const isAligned = random.isAligned || objects[vma.object]?.kind === 'hugetlb';
  const { start, end } = rangeIn(vma, random, isAligned);
  if (start >= end) return undefined;
  const isOwn = !vma.shared && (vma.protection & PROT.WRITE) !== 0;
  switch (what) {
    case 'unmap':
      return { what, mm, start, end };
    case 'move':
      return { what, mm, start, end, to: FREE + 4 * number * GIB + (start % GIB) };
    case 'discard':
      return vma.shared || isOwn ? { what, mm, start, end } : undefined;
    case 'store':
      return isOwn && vma.object < 0 ? { what, mm, start, end } : undefined;
    case 'protect':
    case 'restore': {
      // Pages of its own that a file's mapping has from when it was writable are not in `maps`.
      if (isOwn && vma.object >= 0) return undefined;
      if (what === 'restore') return restoreOf(mm, vmas, vma);
      return { what, mm, start, end, protection: rightsOf(random) };
    }
  }
}

/** All that is mapped together with `vma` may be written. */
function restoreOf(mm: number, vmas: readonly Vma[], vma: Vma): ProcessEvent {
  const [{ start }, { end }] = [neighbour(vmas, vma, -1), neighbour(vmas, vma, 1)];
  return { what: 'protect', mm, start, end, protection: PROT.READ | PROT.WRITE };
}

/** The last of the mappings of one object that `vma` and each other touch, on one side. */
function neighbour(vmas: readonly Vma[], vma: Vma, step: 1 | -1): Vma {
  const next = vmas[vmas.indexOf(vma) + step];
  if (next === undefined || next.object !== vma.object || next.shared !== vma.shared) return vma;
  const isTouching = step > 0 ? vma.end === next.start : next.end === vma.start;
  return isTouching ? neighbour(vmas, next, step) : vma;
}

const rightsOf = ({ isWritable }: RandomEvent): number => PROT.READ | (isWritable ? PROT.WRITE : 0);

/** A part of a mapping, its ends moved to those of tables if they are wanted there. */
export function rangeIn(
  vma: Pick<Vma, 'start' | 'end'>,
  { from, length }: RandomEvent,
  isAligned: boolean,
): { readonly start: number; readonly end: number } {
  const pages = vma.end - vma.start;
  const start = vma.start + Math.floor((pages * from) / EIGHTHS);
  const end = vma.start + Math.ceil((pages * Math.min(EIGHTHS, from + length)) / EIGHTHS);
  if (!isAligned) return { start, end };
  const down = (page: number): number => page - (page % TABLE);
  return {
    start: Math.max(vma.start, down(start)),
    end: end === vma.end ? end : Math.max(vma.start, down(end)),
  };
}

/** Small random hosts: processes that map some segments, files and memory of their own, and forks. */
import fc from 'fast-check';
import type { HostSnapshot, MappedObject, Mm } from '../../src/snapshot/records.ts';
import { PROT } from '../../src/uapi/mman.ts';
import { AddressSpace } from '../../src/workload/address_space.ts';
import { fileObject, hostOf, processOf } from '../../src/workload/host.ts';

export const GIB = 2 ** 18;
const TABLE = 512;

/** Where objects can be mapped, each in a GiB of its own but two: page, pages, offset. */
const PLACES = [
  [1 * GIB, 2 * TABLE, 0],
  [2 * GIB + TABLE, 3 * TABLE, TABLE],
  [3 * GIB + 100, TABLE + 7, 100],
  [4 * GIB, 60, 0],
  [5 * GIB, 4 * TABLE, 0],
  [5 * GIB + 8 * TABLE, TABLE, 4 * TABLE],
  // All that a PMD table spans, and a little before and behind it: only the beginning is populated.
  [7 * GIB - TABLE, GIB + 2 * TABLE, 0],
] as const;
const LARGE = PLACES.length - 1;

const OBJECTS: readonly MappedObject[] = [
  { ...fileObject('/SYSV1', 1), kind: 'sysv', device: '00:01' },
  { ...fileObject('/memfd:a', 2), kind: 'memfd', device: '00:01' },
  fileObject('/usr/lib/a.so', 3),
];

/** How a process has an object: where, whether for itself, and whether it may store. */
const mapping = fc.record({
  object: fc.nat(OBJECTS.length - 1),
  place: fc.nat(LARGE),
  /** Tables that are populated of the large place. */
  tables: fc.integer({ min: 1, max: 4 }),
  isShared: fc.boolean(),
  isWritable: fc.boolean(),
});
const mappings = fc.uniqueArray(mapping, { maxLength: 3, selector: ({ place }) => place });
/** With a segment of which all that a PMD table spans is mapped. */
const withSegment = mappings.map((others) => [
  ...others.filter(({ place }) => place !== LARGE),
  { object: 0, place: LARGE, tables: 2, isShared: true, isWritable: true },
]);
const process = fc.record({
  mappings,
  /** Whether it has what all have. */
  isUsual: fc.boolean(),
  heap: fc.integer({ min: 0, max: TABLE + 40 }),
  /** Of the private memory that a family has: how much this one has written since the fork. */
  written: fc.nat(3),
});
export const host = fc.record({
  processes: fc.array(process, { minLength: 1, maxLength: 4 }),
  /** Mappings that most have in common, unless they have another there. */
  common: fc.oneof(mappings, withSegment),
  /** Tables of private memory that all have since they were forked; none if they were not. */
  family: fc.nat(3),
});
export type Host = typeof host extends fc.Arbitrary<infer T> ? T : never;

const HEAP = 9 * GIB + 17;
const ARENA = 11 * GIB;

/** @param isSparse whether one page of each table is populated, or all: tables are there for both */
export function snapshotOfHost(
  { processes, common, family }: Host,
  isSparse = false,
): HostSnapshot {
  const mms = processes.map(({ mappings: own, isUsual, heap, written }, index): Mm => {
    const space = new AddressSpace();
    for (const one of mappingsOf(own, isUsual ? common : [])) {
      if (one.place !== LARGE || isSparse) mapObject(space, one);
    }
    if (heap > 0) space.map({ start: HEAP, pages: heap, label: '[heap]' });
    mapArena(space, family, index === 0 ? 0 : Math.min(written, family));
    const identity = { pid: 100 + index, comm: 'p', commandLine: 'p', cgroup: '' };
    const mm = processOf(space, identity);
    if (isSparse) mm.runs.pages.set(mm.runs.count);
    return mm;
  });
  return hostOf('random', OBJECTS, mms);
}

/** Those of a process and, where it has none, those of all. */
function mappingsOf(own: Host['common'], common: Host['common']): Host['common'] {
  const others = common.filter(({ place }) => own.every((one) => one.place !== place));
  return [...own, ...others].toSorted((a, b) => a.place - b.place);
}

function mapObject(space: AddressSpace, one: Host['common'][number]): void {
  const { object, tables } = one;
  const [start, pages, offset] = PLACES[one.place]!;
  const protection = PROT.READ | (one.isWritable ? PROT.WRITE : 0);
  // Memory that is nobody's file is mapped to be shared.
  const shared = one.isShared || OBJECTS[object]!.kind !== 'file';
  const populated = one.place === LARGE ? tables * TABLE : pages;
  space.map({ start, pages, populated, offset, protection, shared, object });
}

/** Private memory of `tables`, of which the first `written` are the process's own. */
function mapArena(space: AddressSpace, tables: number, written: number): void {
  if (written > 0) space.map({ start: ARENA, pages: written * TABLE });
  if (tables > written) {
    const start = ARENA + written * TABLE;
    space.map({ start, pages: (tables - written) * TABLE, content: 1 + written });
  }
}

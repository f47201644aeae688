/** Events in the engine: a process changes what it maps, forks or ends, and touches again what it has. */
import { assert } from '../base/assert.ts';
import type { Vma } from '../snapshot/records.ts';
import { MADV, MREMAP, PAGE_BYTES, PROT } from '../uapi/mman.ts';
import { isCopiedByFork, type Range } from '../whatif/change.ts';
import type { HostEvent, Life } from '../whatif/life.ts';
import { partsOf } from '../whatif/rewrite.ts';
import { SLOT_PAGES } from './population.ts';
import type { Stage } from './stage.ts';

/** What a process does to itself; that it gives up a region is no event of these. */
export type ProcessEvent = Exclude<HostEvent, { readonly what: 'detach' }>;

const MREMAP_MAYMOVE_FIXED = MREMAP.MAYMOVE | MREMAP.FIXED;
const EVERYWHERE: Range = { start: 0, end: Number.POSITIVE_INFINITY };

/**
 * The call alone.
 *
 * @param index that a child gets
 * @returns 0, or what the call fails with
 */
export function call(stage: Stage, event: ProcessEvent, index: number): number {
  const { mm, machine } = stage;
  const task = stage.as(event.mm);
  if (event.what === 'fork') {
    const child = mm.run(mm.fork(task, event.mm % machine.size.cpus));
    if (typeof child === 'number') return child;
    stage.tasks[index] = child;
    stage.places[index] = [...stage.places[event.mm]!];
    return 0;
  }
  if (event.what === 'exit') {
    mm.run(mm.exit(task));
    stage.tasks[event.mm] = undefined;
    return 0;
  }
  const address = event.start * PAGE_BYTES;
  const length = (event.end - event.start) * PAGE_BYTES;
  switch (event.what) {
    case 'unmap':
      return mm.run(mm.munmap(task, address, length));
    case 'protect':
      return mm.run(mm.mprotect(task, address, length, event.protection));
    case 'discard':
      return mm.run(mm.madvise(task, address, length, MADV.DONTNEED));
    case 'move': {
      const newAddress = event.to * PAGE_BYTES;
      const [oldLength, newLength] = [length, length];
      const wanted = { address, oldLength, newLength, flags: MREMAP_MAYMOVE_FIXED, newAddress };
      const result = mm.run(mm.mremap(task, wanted));
      if (result < 0) return result;
      for (const { start, end } of placesIn(stage.places[event.mm]!, event)) {
        const distance = event.to - event.start;
        stage.places[event.mm]!.push({ start: start + distance, end: end + distance });
      }
      return 0;
    }
    case 'store':
      return 0;
  }
}

/**
 * Who has changed something, or was forked, touches what it has: all of what it has changed, and a
 * page of each other table.
 *
 * @param life    after the event
 * @param isDense whether what is in tables matters, as it does where equal ones are counted once
 */
export function touchAgain(stage: Stage, life: Life, event: ProcessEvent, isDense: boolean): void {
  if (event.what === 'exit') return;
  const index = event.what === 'fork' ? life.mms.length - 1 : event.mm;
  const mm = life.mms[index];
  assert(mm !== undefined, 'who touches what it has has not ended');
  const ranges = 'start' in event ? life.changes : [EVERYWHERE];
  for (const { vma, rows } of partsOf(mm)) {
    for (const { slot, count } of rows) {
      for (let at = slot; at < slot + count; at++) {
        const part = within(vma, { start: at * SLOT_PAGES, end: (at + 1) * SLOT_PAGES });
        const changed = placesIn(ranges, part);
        const places = changed.flatMap((range) => placesIn(stage.places[index]!, range));
        const below = { part, changed, places };
        if (isDense) touchDense(stage, index, vma, below, event.what);
        else touchSparse(stage, index, vma, below, event.what);
      }
    }
  }
}

/** Of a mapping, what is below one table: of that, what the event was about, and pages that were there. */
interface Below {
  readonly part: Range;
  readonly changed: readonly Range[];
  readonly places: readonly Range[];
}

function touchSparse(
  stage: Stage,
  index: number,
  vma: Vma,
  { part, changed, places }: Below,
  what: ProcessEvent['what'],
): void {
  const isChanged = changed.length > 0;
  // Who makes a file's private pages writable writes them.
  const isWritten = what === 'protect' && vma.object >= 0 && isCopiedByFork(vma);
  const isStore = what === 'store' || (isWritten && isChanged);
  const first = what === 'store' ? changed[0] : part;
  if (first !== undefined) stage.access(index, first.start, first.start + 1, isStore);
  if (what === 'fork') return;
  for (const place of places) stage.access(index, place.start, place.end, isStore);
}

/** Anonymous pages stay as they were, unless they were discarded; of a file, those of its own are new. */
function touchDense(
  stage: Stage,
  index: number,
  vma: Vma,
  { places }: Below,
  what: ProcessEvent['what'],
): void {
  const isNew = what === 'discard' || what === 'store';
  const isLeft = what === 'fork' ? isCopiedByFork(vma) : vma.object < 0;
  if (isLeft && !isNew) return;
  const isStore = (vma.protection & PROT.WRITE) !== 0;
  for (const { start, end } of places) stage.access(index, start, end, isStore);
}

/** What of each place is in `range`. */
function placesIn(places: readonly Range[], range: Range): Range[] {
  return places.map((place) => within(place, range)).filter(({ start, end }) => start < end);
}

const within = (one: Range, other: Range): Range => ({
  start: Math.max(one.start, other.start),
  end: Math.min(one.end, other.end),
});

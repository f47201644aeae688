/**
 * What happens to a host, as somebody would ask: one backend makes a part of the segment read-only,
 * ten end. Under each design it is the same call on the same memory, wherever the design has that.
 */
import { slotPages } from '../arch/geometry.ts';
import { assert } from '../base/assert.ts';
import type { HostSnapshot, Vma } from '../snapshot/records.ts';
import { geometryOf } from '../twin/count_tables.ts';
import { PROT } from '../uapi/mman.ts';
import type { Range, RangeChange } from './change.ts';
import type { Outcome } from './design.ts';
import type { HostEvent, Life } from './life.ts';

/** Calls on a range of memory: `write` stores to pages, and is no call of the kernel. */
export const RANGE_CALLS = ['mprotect', 'munmap', 'mremap', 'dontneed', 'write'] as const;
export type RangeCall = (typeof RANGE_CALLS)[number];

/** How many do it, and to how much memory, from the start of it on. */
export type Happening =
  /** Of `fork`: how often the first process forks. */
  | { readonly call: 'fork' | 'exit'; readonly processes: number | 'all' }
  | {
      readonly call: RangeCall;
      readonly processes: number | 'all';
      readonly pages: number;
      /** Of mprotect: whether the memory may be written from now on. */
      readonly isWritable: boolean;
    };
type OnRange = Extract<Happening, { readonly call: RangeCall }>;

/** A host, and what a design makes of it. */
export interface Staging {
  readonly before: HostSnapshot;
  readonly outcome: Outcome;
}

/** What one process does. */
export interface Deed {
  /** The call; on memory in a region of mshare its pages are those of the object. */
  readonly call: Exclude<HostEvent, { readonly what: 'detach' }>;
  readonly region?: number;
  /** What becomes of mappings: nothing where the call fails, or does nothing. */
  readonly event?: HostEvent;
  readonly error?: 'EINVAL';
}

/** mremap(2) moves to the first free place from here on: 4 GiB. */
const MOVED_FROM = 2 ** 20;

/**
 * All who do it, one after the other, each touching again what it has.
 *
 * @param act is told of each deed, with the host before and after it
 */
export function happen(
  life: Life,
  staging: Staging,
  happening: Happening,
  act: (deed: Deed, after: Life, before: Life) => void = () => {},
): Life {
  let now = life;
  for (const actor of actorsOf(life, staging, happening)) {
    const deed = deedOf(now, staging, happening, actor);
    if (deed === undefined) continue;
    const after = deed.event === undefined ? now : now.after(deed.event);
    act(deed, after, now);
    now = after;
  }
  return now;
}

/** Who does it, by their places in `Life.mms`: fewer than are asked for if there are not as many. */
export function actorsOf(life: Life, { before, outcome }: Staging, happening: Happening): number[] {
  const living = [...life.mms.keys()].filter(
    (index) =>
      life.mms[index] !== undefined &&
      (index < before.mms.length || index >= outcome.snapshot.mms.length),
  );
  const { call, processes } = happening;
  if (call === 'fork') {
    const times = processes === 'all' ? living.length : processes;
    return living.length === 0 ? [] : Array.from({ length: times }, () => living[0]!);
  }
  const able =
    call === 'exit'
      ? living
      : living.filter((index) => targetOf(before, index, call) !== undefined);
  return able.toReversed().slice(0, processes === 'all' ? able.length : processes);
}

/** The memory of a process that a call is about, where it was before any design. */
export function targetOf({ mms }: HostSnapshot, index: number, call: RangeCall): Vma | undefined {
  const vmas = mms[index]?.vmas ?? [];
  const shared = call === 'write' ? undefined : largest(vmas.filter(isSharedObject));
  return shared ?? largest(vmas.filter(isPrivateMemory));
}

const isSharedObject = ({ shared, object }: Vma): boolean => shared && object >= 0;

const isPrivateMemory = ({ object, shared, protection }: Vma): boolean =>
  object < 0 && !shared && (protection & PROT.WRITE) !== 0;

function largest(vmas: readonly Vma[]): Vma | undefined {
  const size = ({ start, end }: Vma): number => end - start;
  return vmas.reduce<Vma | undefined>(
    (best, vma) => (best === undefined || size(vma) > size(best) ? vma : best),
    undefined,
  );
}

/** Nothing if none is left of the memory that it would be about. */
function deedOf(life: Life, staging: Staging, happening: Happening, mm: number): Deed | undefined {
  if (!('pages' in happening)) {
    const event = { what: happening.call, mm };
    return { call: event, event };
  }
  const target = targetOf(staging.before, mm, happening.call);
  assert(target !== undefined, 'who does something to memory has some');
  const region = target.object < 0 ? undefined : regionOf(staging.outcome, mm, target.object);
  if (region !== undefined) return inRegion(life, happening, mm, target, region);
  const range = rangeOf(life, mm, target, happening);
  if (range === undefined) return undefined;
  const isHugetlb = staging.outcome.snapshot.objects[target.object]?.kind === 'hugetlb';
  return onRange(life, staging, happening, { mm, ...range }, isHugetlb);
}

function onRange(
  life: Life,
  { before }: Staging,
  happening: OnRange,
  range: Range & { readonly mm: number },
  isHugetlb: boolean,
): Deed {
  const pages = slotPages(geometryOf(before));
  const call = changeOf(life, happening, range, pages);
  const isWhole = !isHugetlb || (range.end - range.start) % pages === 0;
  if (isWhole) return { call, event: call };
  const whole = range.end - ((range.end - range.start) % pages);
  switch (call.what) {
    // hugetlb_vm_op_split(); madvise_dontneed_free_valid_vma() and mremap(2) round.
    case 'discard':
      return whole === range.start ? { call } : { call, event: { ...call, end: whole } };
    case 'move':
      return { call, event: { ...call, end: whole + pages } };
    default:
      return life.isChangedBy(call) ? { call, error: 'EINVAL' } : { call };
  }
}

function changeOf(
  life: Life,
  { call, isWritable }: OnRange,
  range: Range & { readonly mm: number },
  slot: number,
): RangeChange {
  switch (call) {
    case 'mprotect': {
      const protection = PROT.READ | (isWritable ? PROT.WRITE : 0);
      return { what: 'protect', ...range, protection };
    }
    case 'munmap':
      return { what: 'unmap', ...range };
    case 'mremap':
      return { what: 'move', ...range, to: freePlace(life.mms[range.mm]!.vmas, range, slot) };
    case 'dontneed':
      return { what: 'discard', ...range };
    case 'write':
      return { what: 'store', ...range };
  }
}

/** As far from a boundary of huge pages as `range` is. */
function freePlace(vmas: readonly Vma[], { start, end }: Range, slot: number): number {
  const pages = Math.ceil((end - start) / slot) * slot;
  let to = MOVED_FROM + (start % slot);
  for (const vma of vmas) {
    if (to + pages <= vma.start) break;
    if (vma.end > to) to = Math.ceil((vma.end - (start % slot)) / slot) * slot + (start % slot);
  }
  return to;
}

/** The first pages of `target` that are mapped still, up to a hole; stores need the right to. */
function rangeOf(life: Life, mm: number, target: Vma, { call, pages }: OnRange): Range | undefined {
  const last = target.offset + target.end - target.start;
  const isOfTarget = ({ object, shared, protection }: Vma): boolean =>
    object === target.object &&
    shared === target.shared &&
    (call !== 'write' || (protection & PROT.WRITE) !== 0);
  const pieces = life.mms[mm]!.vmas.filter(isOfTarget)
    .flatMap((vma) => {
      const at = vma.object < 0 ? vma.start - target.start : vma.offset - target.offset;
      const from = Math.max(0, -at);
      const to = Math.min(vma.end - vma.start, last - target.offset - at);
      return from < to ? [{ start: vma.start + from, end: vma.start + to, at: at + from }] : [];
    })
    .toSorted((a, b) => a.at - b.at);
  const [first, ...rest] = pieces;
  if (first === undefined) return undefined;
  let { end } = first;
  for (const piece of rest) if (piece.start === end) end = piece.end;
  return { start: first.start, end: Math.min(end, first.start + pages) };
}

/** The region of mshare that has `object` for process `mm`. */
function regionOf({ guests, snapshot }: Outcome, mm: number, object: number): number | undefined {
  for (const [region, attached] of guests ?? []) {
    if (snapshot.mms[region]!.vmas[0]?.object === object && attached.includes(mm)) return region;
  }
  return undefined;
}

/** Of a region a process unmaps all or nothing, and changes no rights: those are everybody's. */
function inRegion(
  life: Life,
  happening: OnRange,
  mm: number,
  { object, offset, start, end }: Vma,
  region: number,
): Deed | undefined {
  if (!life.hasAttached(mm, region)) return undefined;
  const size = end - start;
  const range = { mm, start: offset, end: offset + Math.min(size, happening.pages) };
  const call = changeOf(life, happening, range, 1);
  if (call.what === 'discard') return { call, region: object };
  const isDetached = call.what === 'unmap' && happening.pages >= size;
  return isDetached
    ? { call, region: object, event: { what: 'detach', mm, region } }
    : { call, region: object, error: 'EINVAL' };
}

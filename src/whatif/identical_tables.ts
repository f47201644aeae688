/**
 * What if every identical table page existed once? No design can save more by sharing tables.
 *
 * A table is the same as another if it translates the same object the same way, or if its entries
 * were seen to be the same. Tables that differ only in what has been touched so far count as the
 * same: sharing would fill them for both.
 */
import { slotPages, slotsPerTable } from '../arch/geometry.ts';
import type { HostSnapshot, Mm, Runs, Vma } from '../snapshot/records.ts';
import {
  geometryOf,
  type PoolPlace,
  type ShareRule,
  type TableView,
} from '../twin/count_tables.ts';
import { PROT } from '../uapi/mman.ts';
import { anyOf, type Design } from './design.ts';

export const identicalTables: Design = {
  id: 'identical',
  title: 'Every identical table once: the upper bound for sharing',
  system: 'S8',
  apply: ({ snapshot }) => ({
    snapshot,
    rule: anyOf(sameTranslation(snapshot), sameContent, sameBelow(snapshot)),
    change: 'counted',
    bound: snapshot.coverage.contentsCompared ? 'upper' : 'lower',
    requires: ['No kernel does this: it is the line that no sharing design can pass'],
    costs: [],
    reservedBytes: 0,
  }),
};

/** Whether an object says what stands behind a mapping. */
function isOfObject({ objects }: HostSnapshot, vma: Vma): boolean {
  if (vma.object < 0) return false;
  const { kind } = objects[vma.object]!;
  // What one inode of these stands for differs from mapping to mapping.
  if (kind === 'special' || kind === 'device') return false;
  // Behind a private writable mapping stand copies of its own: only their frames can tell.
  return vma.shared || (vma.protection & PROT.WRITE) === 0;
}

/** Tables of any level that translate the same parts of the same objects. */
function sameTranslation(snapshot: HostSnapshot): ShareRule {
  return (tables) => {
    const { mm, cover, owners } = tables;
    if (cover !== undefined) {
      return isOfObject(snapshot, cover) ? placeOfCovered(tables, cover) : undefined;
    }
    const parts = owners.map((owner) => mm.vmas[owner]!);
    const areOfObjects = parts.every((vma) => isOfObject(snapshot, vma));
    return areOfObjects ? placeOfParts(tables, parts) : undefined;
  };
}

/** By the place in the object: other address spaces may cover more of it, or less. */
function placeOfCovered({ level, first, pages }: TableView, cover: Vma): PoolPlace {
  const page = first * pages - cover.start + cover.offset;
  const congruence = page % pages;
  return {
    key: `object:${level}:${cover.object}:${cover.protection}:${congruence}`,
    index: (page - congruence) / pages,
  };
}

/** By all that the table translates: each VMA's part, as it lies within the table. */
function placeOfParts({ level, first, pages }: TableView, parts: readonly Vma[]): PoolPlace {
  const start = first * pages;
  const layout = parts.map((vma) => {
    const from = Math.max(vma.start - start, 0);
    const to = Math.min(vma.end - start, pages);
    return `${vma.object},${vma.protection},${from},${to},${vma.offset + start + from - vma.start}`;
  });
  return { key: `parts:${level}:${layout.join(';')}`, index: 0 };
}

const sameContent: ShareRule = ({ level, content }) =>
  level === 0 && content > 0 ? { key: 'content', index: content } : undefined;

/** Upper tables that have the same tables in the same places, by what is in those. */
function sameBelow(snapshot: HostSnapshot): ShareRule {
  return (tables) => {
    const { mm, level, count, first } = tables;
    if (level === 0) return undefined;
    const slots = slotsPerTable(geometryOf(snapshot), level);
    const parts = partsWithin(mm, first * slots, (first + count) * slots);
    const [only] = parts;
    if (parts.length === 1 && only!.content > 0 && only!.count === count * slots) {
      const congruence = only!.content % slots;
      const index = (only!.content - congruence) / slots;
      return { key: `contents:${level}:${congruence}`, index };
    }
    // Where the further ones of several such tables stand does not follow from the first.
    return count === 1 ? placeOfRuns(snapshot, tables, parts) : undefined;
  };
}

/** A part of a run, from the slot on that is the `slot`th of those looked at. */
interface RunPart {
  readonly vma: number;
  readonly slot: number;
  readonly count: number;
  readonly kind: number;
  readonly content: number;
}

/** The parts of runs within the slots `[from, end)`. */
function partsWithin({ runs }: Mm, from: number, end: number): RunPart[] {
  const parts: RunPart[] = [];
  for (let i = firstBeyond(runs, from); i < runs.length && runs.slot[i]! < end; i++) {
    const slot = Math.max(from, runs.slot[i]!);
    const count = Math.min(end, runs.slot[i]! + runs.count[i]!) - slot;
    const content = runs.content[i]! === 0 ? 0 : runs.content[i]! + slot - runs.slot[i]!;
    const part = { vma: runs.vma[i]!, slot: slot - from, count, kind: runs.kind[i]!, content };
    const last = parts.at(-1);
    if (last === undefined || !isGoingOn(last, part)) parts.push(part);
    else parts[parts.length - 1] = { ...last, count: part.slot + part.count - last.slot };
  }
  return parts;
}

/** Whether two parts are one, as far as tables tell: mappings may have been divided since. */
function isGoingOn(last: RunPart, { vma, slot, kind, content }: RunPart): boolean {
  if (kind !== last.kind || slot > last.slot + last.count) return false;
  if (content > 0 && last.content > 0) return content - last.content === slot - last.slot;
  return content === 0 && last.content === 0 && vma === last.vma;
}

/** The first run that reaches beyond `wanted`: ends of runs ascend as their starts do. */
function firstBeyond({ slot, count, length }: Runs, wanted: number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (slot[middle]! + count[middle]! <= wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function placeOfRuns(
  snapshot: HostSnapshot,
  { mm, level, first, pages }: TableView,
  parts: readonly RunPart[],
): PoolPlace | undefined {
  const keys: string[] = [];
  const start = first * pages;
  const slotSpan = slotPages(geometryOf(snapshot));
  for (const { vma, slot, count, kind, content } of parts) {
    const owner = mm.vmas[vma]!;
    if (content === 0 && !isOfObject(snapshot, owner)) return undefined;
    const what =
      content > 0
        ? `content ${content}`
        : [
            owner.object,
            owner.protection,
            owner.offset + start - owner.start,
            // What is mapped of the first and of the last slot.
            Math.max(owner.start - start, slot * slotSpan),
            Math.min(owner.end - start, (slot + count) * slotSpan),
          ].join();
    keys.push(`${slot},${count},${kind},${what}`);
  }
  return { key: `runs:${level}:${keys.join(';')}`, index: 0 };
}

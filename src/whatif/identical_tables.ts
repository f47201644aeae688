/**
 * What if every identical table page existed once? No design can save more by sharing tables.
 *
 * A table is the same as another if it translates the same object the same way, or if its entries
 * were seen to be the same. Tables that differ only in what has been touched so far count as the
 * same: sharing would fill them for both.
 */
import { type HostSnapshot, PROT_WRITE, type Vma } from '../snapshot/records.ts';
import type { PoolPlace, ShareRule, TableView } from '../twin/count_tables.ts';
import { anyOf, type Design } from './design.ts';

export const identicalTables: Design = {
  id: 'identical',
  title: 'Every identical table once: the upper bound for sharing',
  system: 'S8',
  apply: ({ snapshot }) => ({
    snapshot,
    rule: anyOf(sameTranslation(snapshot), sameContent),
    bound: snapshot.coverage.contentsCompared ? 'upper' : 'lower',
    requires: ['No kernel does this: it is the line that no sharing design can pass'],
    costs: [],
    reservedBytes: 0,
  }),
};

/** Tables of any level that translate the same parts of the same objects. */
function sameTranslation(snapshot: HostSnapshot): ShareRule {
  const isOfObject = (vma: Vma): boolean => {
    if (vma.object < 0) return false;
    const { kind } = snapshot.objects[vma.object]!;
    // What one inode of these stands for differs from mapping to mapping.
    if (kind === 'special' || kind === 'device') return false;
    // Behind a private writable mapping stand copies of its own: only their frames can tell.
    return vma.shared || (vma.protection & PROT_WRITE) === 0;
  };
  return (tables) => {
    const { mm, cover, owners } = tables;
    if (cover !== undefined) return isOfObject(cover) ? placeOfCovered(tables, cover) : undefined;
    const parts = owners.map((owner) => mm.vmas[owner]!);
    return parts.every(isOfObject) ? placeOfParts(tables, parts) : undefined;
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

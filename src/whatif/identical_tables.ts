/**
 * What if every identical table page existed once? No design can save more by sharing tables.
 *
 * A table is the same as another if it translates the same object the same way, or if its entries
 * were seen to be the same. Tables that differ only in what has been touched so far count as the
 * same: sharing would fill them for both.
 */
import { type HostSnapshot, PROT_WRITE } from '../snapshot/records.ts';
import type { ShareRule } from '../twin/count_tables.ts';
import { anyOf, type Design } from './design.ts';
import { contentsSeen } from './on_demand_fork.ts';

export const identicalTables: Design = {
  id: 'identical',
  title: 'Every identical table once: the upper bound for sharing',
  system: 'S8',
  apply: ({ snapshot }) => ({
    snapshot,
    rule: anyOf(sameTranslation(snapshot), sameContent),
    bound: contentsSeen(snapshot) ? 'upper' : 'lower',
    requires: ['No kernel does this: it is the line that no sharing design can pass'],
    costs: [],
    reservedBytes: 0,
  }),
};

/** Tables of any level that one mapping covers and that translate the same part of one object. */
function sameTranslation(snapshot: HostSnapshot): ShareRule {
  return ({ level, cover, first, pages }) => {
    if (cover === undefined || cover.object < 0) return undefined;
    const isWritable = (cover.protection & PROT_WRITE) !== 0;
    // Behind a private writable mapping stand copies of its own: only their frames can tell.
    if (!cover.shared && isWritable) return undefined;
    const { kind } = snapshot.objects[cover.object]!;
    // What one inode of these stands for differs from mapping to mapping.
    if (kind === 'special' || kind === 'device') return undefined;
    const page = first * pages - cover.start + cover.offset;
    const congruence = page % pages;
    return {
      key: `object:${level}:${cover.object}:${cover.protection}:${congruence}`,
      index: (page - congruence) / pages,
    };
  };
}

const sameContent: ShareRule = ({ level, content }) =>
  level === 0 && content > 0 ? { key: 'content', index: content } : undefined;

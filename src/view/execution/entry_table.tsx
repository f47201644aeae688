/** The entries of a table, each of which can be inspected. */
import { memo } from 'react';
import type { PictureEntry, PictureTable } from '../../scene/picture.ts';
import { linkTo } from '../route.ts';
import { levelName } from './tree.tsx';

interface EntryTableProps {
  readonly table: PictureTable;
  readonly format: string;
  readonly levels: number;
}

export function EntryTable({ table, format, levels }: EntryTableProps) {
  const { id, level, entries, used } = table;
  return (
    <div className="entries">
      <h3>
        {levelName(level, levels)} table {id}: {used} {used === 1 ? 'entry' : 'entries'}
      </h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <ul tabIndex={0} aria-label={`Entries of table ${id}`}>
        {entries.map((entry) => (
          <EntryItem key={entry.index} {...entry} format={format} level={level} />
        ))}
      </ul>
    </div>
  );
}

interface EntryItemProps extends PictureEntry {
  readonly format: string;
  readonly level: number;
}

const EntryItem = memo(({ format, level, ...entry }: EntryItemProps) => {
  const value = hexOf(entry.low, entry.high);
  return (
    <li className={entry.isTouched ? 'touched' : undefined}>
      <span className="number">{entry.index}</span>
      <a
        className="mono"
        href={linkTo('entry', [format, value], { level: String(level) })}
        title="Inspect its bits"
      >
        {value}
      </a>
      <span>{meaningOf(entry)}</span>
    </li>
  );
});

function meaningOf({ kind, target, isWritable, low, high }: PictureEntry): string {
  if (kind === 'table') return `→ table ${target}`;
  if (kind === 'leaf')
    return `→ frame 0x${target.toString(16)}, ${isWritable ? 'writable' : 'read-only'}`;
  return low === 0 && high === 0 ? 'empty now' : 'not present';
}

function hexOf(low: number, high: number): string {
  return `0x${((BigInt(high) << 32n) | BigInt(low)).toString(16).padStart(16, '0')}`;
}

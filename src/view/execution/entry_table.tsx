/** The entries of a table, each of which can be inspected. */
import type { PictureTable } from '../../scene/picture.ts';
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
        {entries.map(({ index, low, high, kind, target, isWritable, isTouched }) => {
          const value = hexOf(low, high);
          return (
            <li key={index} className={isTouched ? 'touched' : undefined}>
              <span className="number">{index}</span>
              <a
                className="mono"
                href={linkTo('entry', [format, value], { level: String(level) })}
                title="Inspect its bits"
              >
                {value}
              </a>
              <span>{meaningOf(kind, target, isWritable, low === 0 && high === 0)}</span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function meaningOf(
  kind: PictureTable['entries'][number]['kind'],
  target: number,
  isWritable: boolean,
  isEmpty: boolean,
): string {
  if (kind === 'table') return `→ table ${target}`;
  if (kind === 'leaf')
    return `→ frame 0x${target.toString(16)}, ${isWritable ? 'writable' : 'read-only'}`;
  return isEmpty ? 'empty now' : 'not present';
}

function hexOf(low: number, high: number): string {
  return `0x${((BigInt(high) << 32n) | BigInt(low)).toString(16).padStart(16, '0')}`;
}

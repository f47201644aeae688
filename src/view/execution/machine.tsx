/** The machine at the cursor: tables, TLBs, locks, frames. */
import { memo, useCallback, useState } from 'react';
import type { Picture } from '../../scene/picture.ts';
import { EntryTable } from './entry_table.tsx';
import { Frames } from './frames.tsx';
import { Locks } from './locks.tsx';
import { Tlbs } from './tlbs.tsx';
import { Tree } from './tree.tsx';

interface MachineProps {
  readonly picture: Picture;
  readonly format: string;
  readonly onEvent: (event: number) => void;
}

export const Machine = memo(({ picture, format, onEvent }: MachineProps) => {
  const [selected, setSelected] = useState<number>();
  const select = useCallback(
    (id: number) => setSelected((before) => (before === id ? undefined : id)),
    [],
  );
  const table =
    picture.tables.find(({ id }) => id === selected) ??
    picture.tables.find(({ isTouched, level }) => isTouched && level === 0) ??
    picture.tables.find(({ isTouched }) => isTouched);
  return (
    <>
      <section className="trees" aria-labelledby="trees">
        <h2 id="trees">
          Page tables
          <span className="legend">
            <i className="cell-key leaf" /> read-only <i className="cell-key writable" /> writable{' '}
            <i className="cell-key table" /> table <i className="cell-key touched" /> changed now
          </span>
        </h2>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
        <section className="tree-place" tabIndex={0} aria-label="Trees of page tables">
          <Tree picture={picture} selected={table?.id} onSelect={select} />
        </section>
        {picture.tablesLeftOut > 0 && (
          <p className="hint">
            {picture.tablesLeftOut} tables are not drawn: those that change and those that are
            shared are.
          </p>
        )}
        {table !== undefined && (
          <EntryTable table={table} format={format} levels={picture.levels} />
        )}
      </section>
      <div className="side">
        <Tlbs picture={picture} onEvent={onEvent} />
        <Locks locks={picture.locks} />
        <Frames frames={picture.frames} hasMore={picture.hasMoreFrames} />
      </div>
    </>
  );
});

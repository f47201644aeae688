/** The radix trees of all address spaces, as one graph: a shared table is one box with several arrows. */
import { memo, useMemo, useRef } from 'react';
import type { Picture } from '../../scene/picture.ts';
import { Curve, curveBetween, FrameRow, reaches } from './frame_row.tsx';
import { BOX_HEIGHT, BOX_WIDTH, layOutTables } from './tree_layout.ts';
import { useWindow } from './use_window.ts';

const LEVEL_NAMES = ['PTE', 'PMD', 'PUD', 'P4D', 'PGD'] as const;

/** A small tree is drawn larger where there is room. */
const SCALE_MAX = 1.5;

interface TreeProps {
  readonly picture: Picture;
  readonly selected: number | undefined;
  readonly onSelect: (table: number) => void;
}

export function Tree({ picture, selected, onSelect }: TreeProps) {
  const layout = useMemo(() => layOutTables(picture), [picture]);
  const names = useMemo(() => rootNames(picture), [picture]);
  const space = useRef<HTMLDivElement>(null);
  const { from, to } = useWindow(space, picture.tables.length > 0);
  if (picture.tables.length === 0) {
    return <p className="hint">No page table exists here: go on with → or the timeline.</p>;
  }
  const { left, width } = partOf(layout.width, from, to);
  return (
    <div ref={space} className="tree-space" style={{ minWidth: layout.width }}>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot hold a picture. */}
      <svg
        className="tree"
        style={{
          marginLeft: left,
          minWidth: width,
          maxWidth: width * (width < layout.width ? 1 : SCALE_MAX),
          maxHeight: `max(100%, ${layout.height}px)`,
        }}
        viewBox={`${left} 0 ${width} ${layout.height}`}
        preserveAspectRatio="xMinYMin meet"
        role="group"
        aria-label="Page tables of all address spaces"
      >
        <defs>
          <marker
            id="arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto"
          >
            <path d="M0 0 8 4 0 8z" className="arrow-head" />
          </marker>
        </defs>
        {layout.links
          .filter((link) => reaches(link, from, to))
          .map(({ key, from, to, isShared }) => (
            <Curve key={key} look={isShared ? 'shared' : ''} d={curveBetween(from, to, 1)} />
          ))}
        <FrameRow layout={layout.below} from={from} to={to} />
        {layout.tables
          .filter(({ x }) => x < to && x + BOX_WIDTH > from)
          .map(({ table, x, y }) => (
            <TableBox
              key={table.id}
              {...{ x, y, onSelect }}
              id={table.id}
              start={table.start}
              used={table.used}
              arrows={table.links.length}
              cells={table.cells}
              isTouched={table.isTouched}
              level={levelName(table.level, picture.levels)}
              name={names.get(table.id)}
              isSelected={table.id === selected}
            />
          ))}
      </svg>
    </div>
  );
}

/** What is drawn of a tree: a part of it is never drawn larger, so its pixels are those of the tree. */
function partOf(whole: number, from: number, to: number) {
  const left = Math.min(Math.max(from, 0), whole);
  return { left, width: Math.min(whole, to) - left };
}

function rootNames({ roots }: Picture): Map<number, string> {
  const names = new Map<number, string>();
  for (const { table, name } of roots) {
    const before = names.get(table);
    names.set(table, before === undefined ? name : `${before}, ${name}`);
  }
  return names;
}

interface TableBoxProps {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly start: number;
  readonly used: number;
  /** How many lead to it. */
  readonly arrows: number;
  readonly cells: string;
  readonly isTouched: boolean;
  readonly isSelected: boolean;
  readonly level: string;
  /** Of the address spaces whose root it is. */
  readonly name: string | undefined;
  readonly onSelect: (table: number) => void;
}

const TableBox = memo((props: TableBoxProps) => {
  const { id, x, y, start, used, arrows, cells, isTouched, isSelected, level, name } = props;
  const shared = arrows > 1 ? `, entered ${arrows} times` : '';
  const label = `${level} table ${id}${name === undefined ? '' : `, root of ${name}`}: ${used} entries${shared}`;
  const look = [
    'box',
    isTouched ? 'touched' : '',
    arrows > 1 ? 'shared' : '',
    arrows === 0 ? 'loose' : '',
    isSelected ? 'selected' : '',
  ].join(' ');
  return (
    // biome-ignore lint/a11y/useSemanticElements: a button cannot be drawn inside of a picture.
    <g
      className={look}
      transform={`translate(${x} ${y})`}
      role="button"
      tabIndex={0}
      aria-label={label}
      aria-pressed={isSelected}
      onClick={() => props.onSelect(id)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        props.onSelect(id);
      }}
    >
      <title>{label}</title>
      <rect width={BOX_WIDTH} height={BOX_HEIGHT} rx="4" />
      <text x="6" y="13">
        {name ?? `${level} ${id}`}
        {arrows > 1 && ` ×${arrows}`}
      </text>
      <text x="6" y="25" className="soft">
        {name === undefined ? `0x${start.toString(16)}` : `${level} ${id}`}
      </text>
      <Cells cells={cells} />
    </g>
  );
});

export function levelName(level: number, levels: number): string {
  return level === levels - 1 ? 'PGD' : (LEVEL_NAMES[level] ?? `level ${level}`);
}

/** What each part of a table holds: what has just changed stands out. */
const LOOKS: Readonly<Record<string, string>> = {
  r: 'leaf',
  w: 'writable',
  t: 'table',
  o: 'other',
  '!': 'touched',
};

function Cells({ cells }: { readonly cells: string }) {
  const width = (BOX_WIDTH - 8) / cells.length;
  // Equal neighbours are one rectangle: there may be thousands of cells in a picture.
  const runs = [...cells.matchAll(/([^.])\1*/g)];
  return (
    <>
      <rect className="cells" x="4" y="30" width={BOX_WIDTH - 8} height="6" />
      {runs.map(({ 0: run, 1: sign, index }) => (
        <rect
          key={index}
          className={`cell ${LOOKS[sign!]}`}
          x={4 + index * width}
          y="30"
          width={run.length * width}
          height="6"
        />
      ))}
    </>
  );
}

/** The radix trees of all address spaces, as one graph: a shared table is one box with several arrows. */
import { useMemo, useRef } from 'react';
import type { Picture, PictureTable } from '../../scene/picture.ts';
import { FrameRow } from './frame_row.tsx';
import {
  BOX_HEIGHT,
  BOX_WIDTH,
  layOutTables,
  type PlacedLink,
  type PlacedTable,
} from './tree_layout.ts';
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
  const svg = useRef<SVGSVGElement>(null);
  const { from, to } = useWindow(svg, picture.tables.length > 0);
  if (picture.tables.length === 0) {
    return <p className="hint">No page table exists here: go on with → or the timeline.</p>;
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot hold a picture.
    <svg
      ref={svg}
      className="tree"
      style={{
        minWidth: layout.width,
        maxWidth: layout.width * SCALE_MAX,
        maxHeight: `max(100%, ${layout.height}px)`,
      }}
      viewBox={`0 0 ${layout.width} ${layout.height}`}
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
      {layout.links.map(
        (link) =>
          Math.min(link.from.x, link.to.x) < to &&
          Math.max(link.from.x, link.to.x) > from && <LinkLine key={link.key} link={link} />,
      )}
      <FrameRow layout={layout.below} />
      {layout.tables
        .filter(({ x }) => x < to && x + BOX_WIDTH > from)
        .map((placed) => (
          <TableBox
            key={placed.table.id}
            placed={placed}
            levels={picture.levels}
            name={names.get(placed.table.id)}
            isSelected={placed.table.id === selected}
            onSelect={onSelect}
          />
        ))}
    </svg>
  );
}

function rootNames({ roots }: Picture): Map<number, string> {
  const names = new Map<number, string>();
  for (const { table, name } of roots) {
    const before = names.get(table);
    names.set(table, before === undefined ? name : `${before}, ${name}`);
  }
  return names;
}

function LinkLine({ link: { from, to, isShared } }: { readonly link: PlacedLink }) {
  const middle = (from.y + to.y) / 2;
  return (
    <path
      className={isShared ? 'link shared' : 'link'}
      d={`M${from.x} ${from.y}C${from.x} ${middle} ${to.x} ${middle} ${to.x} ${to.y - 1}`}
      markerEnd="url(#arrow)"
    />
  );
}

interface TableBoxProps {
  readonly placed: PlacedTable;
  readonly levels: number;
  readonly name: string | undefined;
  readonly isSelected: boolean;
  readonly onSelect: (table: number) => void;
}

function TableBox({ placed: { table, x, y }, levels, name, isSelected, onSelect }: TableBoxProps) {
  const level = levelName(table.level, levels);
  const shared = table.links.length > 1 ? `, entered ${table.links.length} times` : '';
  const label = `${level} table ${table.id}${name === undefined ? '' : `, root of ${name}`}: ${table.used} entries${shared}`;
  const look = [
    'box',
    table.isTouched ? 'touched' : '',
    table.links.length > 1 ? 'shared' : '',
    table.links.length === 0 ? 'loose' : '',
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
      onClick={() => onSelect(table.id)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        onSelect(table.id);
      }}
    >
      <title>{label}</title>
      <rect width={BOX_WIDTH} height={BOX_HEIGHT} rx="4" />
      <text x="6" y="13">
        {name ?? `${level} ${table.id}`}
        {table.links.length > 1 && ` ×${table.links.length}`}
      </text>
      <text x="6" y="25" className="soft">
        {name === undefined ? `0x${table.start.toString(16)}` : `${level} ${table.id}`}
      </text>
      <Cells table={table} />
    </g>
  );
}

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

function Cells({ table: { cells } }: { readonly table: PictureTable }) {
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

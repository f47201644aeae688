/** Tables that fit: columns give way, names in their middle, then leave, least important first. */
import stringWidth from 'string-width';
import { counted, formatBytes } from '../quantity.ts';
import type { Canvas } from './canvas.ts';
import { fit, wrap } from './fit.ts';

export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly cells: readonly string[];
  /** Columns a name may be cut down to; without it the column is shown whole or not at all. */
  readonly widthMin?: number;
  /** Whether cells are sentences, which go on in the next line and are never cut. */
  readonly isProse?: boolean;
  /** The column with the highest leaves first; without it, or with 0, it stays. */
  readonly dropOrder?: number;
  /** Colours a cell, whose row is counted from 0. */
  readonly paint?: (cell: string, row: number) => string;
}

type Paint = Column['paint'];

const GAP = '  ';
const INDENT = '  ';

/** Lines of the table, none wider than the canvas. */
export function table(canvas: Canvas, columns: readonly Column[]): string[] {
  const { colors, symbols, width } = canvas;
  const { shown, widths } = layOut(columns, width - INDENT.length);
  const linesOf = (
    cellOf: (column: Column) => string,
    paintOf: (column: Column) => Paint,
    row = 0,
  ): string[] => {
    const cells = shown.map((column, i) =>
      column.isProse === true
        ? wrap(cellOf(column), widths[i]!, symbols.ellipsis)
        : [fit(cellOf(column), widths[i]!, symbols.ellipsis)],
    );
    return Array.from({ length: Math.max(...cells.map(({ length }) => length)) }, (_, at) => {
      const line = shown.map((column, i) => {
        const cell = cells[i]![at] ?? '';
        const padding = ' '.repeat(widths[i]! - stringWidth(cell));
        const painted = paintCell(cell, paintOf(column), row);
        return column.align === 'left' ? painted + padding : padding + painted;
      });
      return INDENT + line.join(GAP).trimEnd();
    });
  };
  const rule = symbols.rule.repeat(sum(widths) + GAP.length * (widths.length - 1));
  const rows = columns[0]?.cells.length ?? 0;
  return [
    ...linesOf(
      ({ title }) => title,
      () => colors.dim,
    ),
    INDENT + colors.dim(rule),
    ...Array.from({ length: rows }, (_, row) =>
      linesOf(
        ({ cells }) => cells[row]!,
        ({ paint }) => paint,
        row,
      ),
    ).flat(),
  ];
}

/** Colour codes around nothing would keep the blanks at the end of a line. */
function paintCell(cell: string, paint: Paint, row: number): string {
  return paint === undefined || cell === '' ? cell : paint(cell, row);
}

/** The line below a table that shows only its first rows; none if it shows all. */
export function moreLines(
  { colors, rows }: Canvas,
  noun: string,
  entryBytes: readonly number[],
): string[] {
  if (entryBytes.length <= rows) return [];
  const hidden = entryBytes.slice(rows);
  return [
    colors.dim(
      `${INDENT}and ${counted(hidden.length, `more ${noun}`)}, ${formatBytes(sum(hidden))}`,
    ),
  ];
}

interface Layout {
  readonly shown: readonly Column[];
  readonly widths: number[];
}

function layOut(columns: readonly Column[], available: number): Layout {
  const widths = columns.map(naturalWidth);
  let excess = sum(widths) + GAP.length * (columns.length - 1) - available;
  for (const [i, { widthMin }] of columns.entries()) {
    if (excess <= 0 || widthMin === undefined) continue;
    const given = Math.min(Math.max(widths[i]! - widthMin, 0), excess);
    widths[i]! -= given;
    excess -= given;
  }
  const orders = columns.map(({ dropOrder }) => dropOrder ?? 0);
  const leaving = orders.indexOf(Math.max(...orders));
  if (excess <= 0 || orders[leaving] === 0) return { shown: columns, widths };
  return layOut(columns.toSpliced(leaving, 1), available);
}

function naturalWidth({ title, cells }: Column): number {
  return cells.reduce((width, cell) => Math.max(width, stringWidth(cell)), stringWidth(title));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

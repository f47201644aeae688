/** The designs side by side: what user page tables take with each, and what that saves. */
import { printable } from '../printable.ts';
import { formatBytes, formatPercent, percentOf } from '../quantity.ts';
import type { DesignEntry } from '../schema.ts';
import { bar } from './bar.ts';
import type { Canvas } from './canvas.ts';
import { padEnd, wrap } from './fit.ts';
import { table } from './table.ts';

const BAR_WIDTH_MIN = 16;
const BAR_WIDTH_MAX = 60;
/** The columns other than the name and the bar, with their gaps. */
const FIGURES_WIDTH = 34;
const NOTE_INDENT = '    ';

export function designLines(designs: readonly DesignEntry[], canvas: Canvas): string[] {
  const { colors, symbols } = canvas;
  const column = (value: (design: DesignEntry) => string): string[] => designs.map(value);
  const names = column(({ id }) => printable(id));
  const nameWidth = Math.max(6, ...names.map((name) => name.length));
  const room = canvas.width - nameWidth - FIGURES_WIDTH;
  const barWidth = Math.min(Math.max(room, BAR_WIDTH_MIN), BAR_WIDTH_MAX);
  const longest = Math.max(
    1,
    ...designs.map(({ beforeBytes, bytes }) => Math.max(beforeBytes, bytes)),
  );
  const [head, rule, ...rows] = table(canvas, [
    { title: 'Design', align: 'left', cells: names, widthMin: 12 },
    {
      title: `Tables ${symbols.full}  saved ${symbols.empty}`,
      align: 'left',
      cells: column(({ bytes, beforeBytes }) => {
        const after = bar(canvas, bytes / longest, barWidth);
        const saved = Math.round((beforeBytes / longest) * barWidth) - after.length;
        return padEnd(after + symbols.empty.repeat(Math.max(saved, 0)), barWidth);
      }),
      paint: (cell) => paintBar(cell, canvas),
    },
    { title: 'Takes', align: 'right', cells: column(({ bytes }) => formatBytes(bytes)) },
    {
      title: 'Saves',
      align: 'right',
      cells: column((design) => savesCell(design, canvas)),
      paint: colors.green,
    },
    {
      title: 'Of all',
      align: 'right',
      cells: column(({ savesBytes, beforeBytes }) =>
        savesBytes === 0 ? '' : formatPercent(percentOf(savesBytes, beforeBytes)),
      ),
      dropOrder: 1,
    },
  ]);
  const entries = rows.flatMap((row, i) => [
    row,
    ...noteLines(designs[i]!, canvas).map(colors.dim),
  ]);
  return [head!, rule!, ...entries, '', ...legendLines(canvas)];
}

function paintBar(cell: string, { colors, symbols }: Canvas): string {
  const after = cell.split(symbols.empty, 1)[0]!;
  return colors.blue(after) + colors.green(cell.slice(after.length));
}

function savesCell({ bound, savesBytes }: DesignEntry, { symbols }: Canvas): string {
  if (savesBytes === 0) return '-';
  const mark = { exact: '', upper: `${symbols.atMost} `, lower: `${symbols.atLeast} ` }[bound];
  return mark + formatBytes(savesBytes);
}

/** What the design is, what it asks for first, and what it sets aside. */
function noteLines(design: DesignEntry, { symbols, width }: Canvas): string[] {
  const { title, requires, reservedBytes, savesBytes } = design;
  const sentences = [title];
  if (savesBytes > 0 && requires[0] !== undefined) sentences.push(requires[0]);
  if (reservedBytes > 0) sentences.push(`Sets aside ${formatBytes(reservedBytes)}`);
  const text = sentences.map((sentence) => `${printable(sentence)}.`).join(' ');
  return wrap(text, width - NOTE_INDENT.length, symbols.ellipsis).map((line) => NOTE_INDENT + line);
}

function legendLines({ colors, symbols, width }: Canvas): string[] {
  const legend = `${symbols.atMost} saves at most this, ${symbols.atLeast} at least this: something that matters cannot be seen. All others are exact.`;
  return wrap(legend, width - 2, symbols.ellipsis).map((line) => colors.dim(`  ${line}`));
}

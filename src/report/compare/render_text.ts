/** A comparison for a terminal: what the change did, and how good the prediction was. */
import { printable } from '../printable.ts';
import { formatBytes, formatPercent, formatTime, percentOf } from '../quantity.ts';
import { type Canvas, canvasOf, type TextOptions } from '../text/canvas.ts';
import { wrap } from '../text/fit.ts';
import { section } from '../text/render.ts';
import { type Column, moreLines, table } from '../text/table.ts';
import type { Change, Comparison, GroupChange, KindChange, Verdict } from './schema.ts';

/** Text that ends in a newline. Names are shown with control characters escaped. */
export function renderComparison(comparison: Comparison, options: TextOptions): string {
  const canvas = canvasOf(options);
  const lines = [
    ...headlineLines(comparison, canvas),
    ...section(canvas, 'Predicted and measured', verdictLines(comparison, canvas)),
    ...section(canvas, 'Process groups', groupLines(comparison, canvas)),
    ...section(canvas, 'Mapped objects by kind', kindLines(comparison, canvas)),
    ...(comparison.notes.length > 0 ? section(canvas, 'Mind', noteLines(comparison, canvas)) : []),
  ];
  return `${lines.join('\n')}\n`;
}

function headlineLines(comparison: Comparison, { colors, symbols, width }: Canvas): string[] {
  const { before, after, reported } = comparison;
  const paragraph = (text: string): string[] => wrap(text, width, symbols.ellipsis);
  const times = `before ${formatTime(before.takenAt)}, after ${formatTime(after.takenAt)}`;
  return [
    ...paragraph(printable(`ptshare compare: ${after.hostname}, ${times}`)).map(colors.dim),
    '',
    ...paragraph(`${changeSentence(reported)}.`).map(colors.bold),
    ...paragraph(printable(`${verdictSentence(comparison)}.`)).map(colors.green),
  ];
}

function changeSentence({ beforeBytes, afterBytes, savesBytes }: Change): string {
  const verb = savesBytes >= 0 ? 'fell' : 'rose';
  const share = formatPercent(percentOf(Math.abs(savesBytes), beforeBytes));
  return `Page tables ${verb} from ${formatBytes(beforeBytes)} to ${formatBytes(afterBytes)}, by ${formatBytes(Math.abs(savesBytes))} (${share})`;
}

function verdictSentence({ designs, inForce }: Comparison): string {
  const verdict = designs.find(({ id }) => id === inForce);
  if (verdict === undefined) return 'No design was put in force in between';
  const { id, predictedBytes, measuredBytes, percent } = verdict;
  const share = percent === null ? '' : `, ${formatPercent(percent)} of it`;
  return `In force now: ${id}. Predicted: ${formatBytes(predictedBytes)}; measured: ${formatBytes(measuredBytes)}${share}`;
}

function verdictLines({ designs, inForce }: Comparison, canvas: Canvas): string[] {
  const { symbols, colors } = canvas;
  const column = (value: (verdict: Verdict) => string): string[] => designs.map(value);
  const marks = { exact: '', upper: `${symbols.atMost} `, lower: `${symbols.atLeast} ` };
  return table(canvas, [
    { title: 'Design', align: 'left', cells: column(({ id }) => printable(id)), widthMin: 12 },
    {
      title: 'Predicted',
      align: 'right',
      cells: column(({ bound, predictedBytes }) => marks[bound] + formatBytes(predictedBytes)),
    },
    {
      title: 'Measured',
      align: 'right',
      cells: column(({ measuredBytes }) => formatBytes(measuredBytes)),
      paint: colors.bold,
    },
    {
      title: 'Of it',
      align: 'right',
      cells: column(({ percent }) => (percent === null ? '-' : ratio(percent))),
    },
    {
      title: '',
      align: 'left',
      cells: column(({ id }) => (id === inForce ? 'in force' : '')),
      paint: colors.green,
    },
  ]);
}

/** Beyond this, nobody predicted what was measured. */
const PERCENT_MAX = 999;

function ratio(percent: number): string {
  if (Math.abs(percent) <= PERCENT_MAX) return formatPercent(percent);
  return percent > 0 ? `>${PERCENT_MAX}%` : `<-${PERCENT_MAX}%`;
}

function groupLines({ groups }: Comparison, canvas: Canvas): string[] {
  const shown = groups.slice(0, canvas.rows);
  const column = (value: (group: GroupChange) => string): string[] => shown.map(value);
  const lines = table(canvas, [
    { title: 'Group', align: 'left', cells: column(({ name }) => printable(name)), widthMin: 14 },
    {
      title: 'Processes',
      align: 'right',
      cells: column(({ processesBefore: before, processesAfter: after }) =>
        before === after ? String(after) : `${before} > ${after}`,
      ),
      dropOrder: 1,
    },
    ...changeColumns(shown, canvas),
  ]);
  const hidden = moreLines(
    canvas,
    'group',
    groups.map(({ savesBytes }) => savesBytes),
  );
  return [...lines, ...hidden];
}

function kindLines({ kinds }: Comparison, canvas: Canvas): string[] {
  const column = (value: (kind: KindChange) => string): string[] => kinds.map(value);
  return table(canvas, [
    { title: 'Kind', align: 'left', cells: column(({ kind }) => printable(kind)), widthMin: 11 },
    {
      title: 'Mapped before',
      align: 'right',
      cells: column(({ mappedBeforeBytes }) => formatBytes(mappedBeforeBytes)),
      dropOrder: 2,
    },
    {
      title: 'Mapped after',
      align: 'right',
      cells: column(({ mappedAfterBytes }) => formatBytes(mappedAfterBytes)),
      dropOrder: 1,
    },
    ...changeColumns(kinds, canvas),
  ]);
}

function changeColumns(changes: readonly Change[], { colors }: Canvas): Column[] {
  const column = (value: (change: Change) => number): string[] =>
    changes.map((change) => formatBytes(value(change)));
  return [
    { title: 'Before', align: 'right', cells: column(({ beforeBytes }) => beforeBytes) },
    { title: 'After', align: 'right', cells: column(({ afterBytes }) => afterBytes) },
    {
      title: 'Saved',
      align: 'right',
      cells: column(({ savesBytes }) => savesBytes),
      paint: colors.bold,
    },
  ];
}

function noteLines({ notes }: Comparison, { symbols, width }: Canvas): string[] {
  return notes.flatMap((note) =>
    wrap(printable(note), width - 4, symbols.ellipsis).map(
      (line, i) => (i === 0 ? `  ${symbols.bullet} ` : '    ') + line,
    ),
  );
}

/** What to do, in numbered steps that can be pasted. */
import { printable } from '../printable.ts';
import { formatBytes } from '../quantity.ts';
import type { AdviceEntry, HostReport } from '../schema.ts';
import type { Canvas } from './canvas.ts';
import { commandLines } from './command.ts';
import { wrap } from './fit.ts';

/** Prose wider than this is hard to read, however wide the terminal is. */
const PROSE_WIDTH_MAX = 100;

export function adviceLines({ advice }: HostReport, canvas: Canvas): string[] {
  if (advice.length === 0) {
    return prose(canvas, '  ', 'Nothing: no setting of this kernel would save much here.');
  }
  return advice.flatMap((entry, index) => [
    ...(index === 0 ? [] : ['']),
    ...entryLines(entry, index + 1, canvas),
  ]);
}

function entryLines(entry: AdviceEntry, number: number, canvas: Canvas): string[] {
  const { colors, symbols } = canvas;
  const design = entry.design === undefined ? '' : ` (${printable(entry.design)})`;
  const saving = `saves ${formatBytes(entry.savesBytes)} in ${printable(entry.appliesTo)}${design}`;
  return [
    ...prose(canvas, `  ${number}. `, printable(entry.title)).map(colors.bold),
    ...prose(canvas, '     ', saving).map(colors.green),
    ...prose(canvas, '     ', printable(entry.why)),
    ...entry.steps.flatMap(({ text, command }, step) => [
      ...prose(canvas, `     ${number}.${step + 1}  `, printable(text)),
      ...(command === undefined ? [] : promptLines(command, canvas)),
    ]),
    ...entry.caveats.flatMap((caveat) =>
      prose(canvas, `     ${symbols.bullet} `, printable(caveat)).map(colors.yellow),
    ),
  ];
}

function promptLines(command: string, { colors, width }: Canvas): string[] {
  const indent = '          ';
  return command
    .split('\n')
    .flatMap((line) => commandLines(line, width - indent.length))
    .map((line) => indent + colors.cyan(line));
}

/** `text` wrapped behind `mark`, the further lines indented as far. */
function prose({ symbols, width }: Canvas, mark: string, text: string): string[] {
  const room = Math.min(width, PROSE_WIDTH_MAX) - mark.length;
  return wrap(text, room, symbols.ellipsis).map(
    (line, i) => (i === 0 ? mark : ' '.repeat(mark.length)) + line,
  );
}

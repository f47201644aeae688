/** What designs cost after events, for a terminal. */
import { printable } from '../printable.ts';
import { counted, formatBytes } from '../quantity.ts';
import type { Canvas } from '../text/canvas.ts';
import { wrap } from '../text/fit.ts';
import { table } from '../text/table.ts';
import type { After, AfterStep } from './after_schema.ts';
import { costOf, engineSentence, formatAdded, openSentence, REFUSED } from './after_words.ts';

/** @param isWhole whether the engine has run the size that was asked for */
export function afterLines(after: After, isWhole: boolean, canvas: Canvas): string[] {
  const { steps, engine } = after;
  const isRefused = steps.some(({ designs }) => designs.some(({ refused }) => refused > 0));
  const open = openSentence(after);
  const reasons = new Set(engine?.notRun.map(({ why }) => why));
  return [
    ...(engine === undefined ? [] : paragraph(engineSentence(engine, isWhole), canvas)),
    ...steps.flatMap((step, index) => stepLines(after, step, index, canvas)),
    ...(isRefused ? ['', ...paragraph(REFUSED, canvas)] : []),
    ...(open === undefined ? [] : ['', ...paragraph(open, canvas)]),
    ...[...reasons].flatMap((why) => paragraph(notRunSentence(after, why), canvas)),
  ];
}

function stepLines(after: After, step: AfterStep, index: number, canvas: Canvas): string[] {
  const { designs, event, story } = step;
  const right = 'right' as const;
  const engine = (value: (cost: NonNullable<ReturnType<typeof costOf>>) => string): string[] =>
    designs.map(({ id }) => {
      const cost = costOf(after, id, index);
      return cost === undefined ? '-' : value(cost);
    });
  return [
    '',
    ...paragraph(printable(`${event}: ${story}.`), canvas).map(canvas.colors.bold),
    '',
    ...table(canvas, [
      { title: 'Design', align: 'left', cells: designs.map(({ id }) => id), widthMin: 12 },
      { title: 'Tables', align: right, cells: designs.map((one) => formatBytes(one.tableBytes)) },
      { title: 'Change', align: right, cells: designs.map(formatAdded) },
      { title: 'Faults', align: right, cells: engine(({ faults }) => faults.toLocaleString('en')) },
      {
        title: 'Flushes',
        align: right,
        cells: engine(({ flushes }) => flushes.toLocaleString('en')),
      },
      { title: 'IPIs', align: right, cells: engine(({ ipis }) => ipis.toLocaleString('en')) },
      {
        title: 'Entries',
        align: right,
        cells: engine(({ entriesWritten }) => entriesWritten.toLocaleString('en')),
        dropOrder: 1,
      },
      {
        title: 'In the engine',
        align: right,
        cells: engine(({ tableBytes, shapeBytes, surprises }) => {
          const isSame = shapeBytes === undefined || shapeBytes === tableBytes;
          const calls = surprises === 0 ? '' : `, ${counted(surprises, 'call')} otherwise`;
          const bytes = formatBytes(tableBytes);
          return `${isSame ? bytes : `${bytes}, not ${formatBytes(shapeBytes)}`}${calls}`;
        }),
        dropOrder: 2,
      },
    ]),
  ];
}

function notRunSentence({ engine }: After, why: string): string {
  const ids = engine!.notRun.filter((one) => one.why === why).map(({ id }) => id);
  return `Not run in the engine: ${ids.join(', ')}. ${printable(why)}.`;
}

function paragraph(text: string, { width, symbols }: Canvas): string[] {
  return wrap(text, width - 2, symbols.ellipsis).map((line) => `  ${line}`);
}

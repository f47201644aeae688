/** What processes wait for when all go on at once, for a terminal. */
import type { Canvas } from '../text/canvas.ts';
import { wrap } from '../text/fit.ts';
import { table } from '../text/table.ts';
import type { CrowdEntry } from './cost_schema.ts';
import { type CrowdDesign, crowdFigures, crowdIntroduction } from './crowd_figures.ts';

export function crowdLines(crowd: CrowdEntry, canvas: Canvas): string[] {
  const { designs } = crowd;
  const column = (cell: (design: CrowdDesign) => string): string[] => designs.map(cell);
  const right = 'right' as const;
  const left = 'left' as const;
  const share = (design: CrowdDesign, phase: 'touch' | 'exit'): string =>
    `${(100 * crowdFigures(design, phase).waiting).toFixed(1)}%`;
  const introduction = `${crowdIntroduction(crowd)}.`;
  return [
    ...wrap(introduction, canvas.width - 2, canvas.symbols.ellipsis).map((line) => `  ${line}`),
    '',
    ...table(canvas, [
      { title: 'Design', align: left, cells: column(({ id }) => id), widthMin: 12 },
      {
        title: 'Locks',
        align: right,
        cells: column((design) => crowdFigures(design).locks.toLocaleString('en')),
        dropOrder: 2,
      },
      {
        title: 'Waits',
        align: right,
        cells: column((design) => crowdFigures(design).waits.toLocaleString('en')),
        dropOrder: 1,
      },
      { title: 'Touching', align: right, cells: column((design) => share(design, 'touch')) },
      {
        title: 'most for',
        align: left,
        cells: column((design) => crowdFigures(design, 'touch').most),
      },
      { title: 'Ending', align: right, cells: column((design) => share(design, 'exit')) },
      {
        title: 'most for',
        align: left,
        cells: column((design) => crowdFigures(design, 'exit').most),
        dropOrder: 3,
      },
    ]),
    '',
  ];
}

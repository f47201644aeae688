/** How a guest is migrated under designs, for a terminal. */
import { type Canvas, canvasOf, type TextOptions } from '../text/canvas.ts';
import { wrap } from '../text/fit.ts';
import { section } from '../text/render.ts';
import { table } from '../text/table.ts';
import {
  COLLAPSE,
  collapseRows,
  ENGINE,
  engineText,
  FETCH,
  headlineText,
  parametersText,
  type Shown,
} from './columns.ts';
import type { PostCopyComparison } from './schema.ts';

const ID_WIDTH_MIN = 10;

/** Text that ends in a newline. */
export function renderPostCopy(comparison: PostCopyComparison, options: TextOptions): string {
  const canvas = canvasOf(options);
  const { workload, designs, engine } = comparison;
  const { dim, bold } = canvas.colors;
  const paragraph = (text: string): string[] => wrap(text, canvas.width, canvas.symbols.ellipsis);
  const collapses = collapseRows(designs);
  const lines = [
    ...paragraph(`ptshare compare: ${workload.title}`).map(dim),
    '',
    ...paragraph(headlineText(designs)).map(bold),
    ...paragraph(workload.story).map(dim),
    ...paragraph(parametersText(comparison)).map(dim),
    ...section(
      canvas,
      'Until a vCPU goes on, and until all is there',
      rows(canvas, FETCH, designs),
    ),
    ...(collapses.length === 0
      ? []
      : section(canvas, 'The collapse at the end', rows(canvas, COLLAPSE, collapses))),
    ...section(canvas, 'In the engine', [
      ...wrap(engineText(comparison), canvas.width - 2, canvas.symbols.ellipsis).map(indented),
      '',
      ...rows(canvas, ENGINE, engine.designs),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

const indented = (line: string): string => `  ${line}`;

function rows<Row>(
  canvas: Canvas,
  columns: readonly Shown<Row>[],
  shown: readonly Row[],
): string[] {
  return table(
    canvas,
    columns.map(({ title, cell, isWord, dropOrder = 0 }) => ({
      title,
      align: isWord ? 'left' : 'right',
      cells: shown.map(cell),
      dropOrder,
      ...(isWord && { widthMin: ID_WIDTH_MIN }),
    })),
  );
}

/** How a guest is migrated under designs, for a terminal. */
import { canvasOf, type TextOptions } from '../text/canvas.ts';
import { wrap } from '../text/fit.ts';
import { section } from '../text/render.ts';
import { table } from '../text/table.ts';
import type { PostCopyComparison } from './schema.ts';
import { headlineText, parametersText, sectionsOf } from './sections.ts';

const WORD_WIDTH_MIN = 10;

/** Text that ends in a newline. */
export function renderPostCopy(comparison: PostCopyComparison, options: TextOptions): string {
  const canvas = canvasOf(options);
  const { workload, designs } = comparison;
  const { dim, bold } = canvas.colors;
  const paragraph = (text: string, indent = 0): string[] =>
    wrap(text, canvas.width - indent, canvas.symbols.ellipsis);
  const lines = [
    ...paragraph(`ptshare compare: ${workload.title}`).map(dim),
    '',
    ...paragraph(headlineText(designs)).map(bold),
    ...paragraph(workload.story).map(dim),
    ...paragraph(parametersText(comparison)).map(dim),
  ];
  for (const { title, lead, columns } of sectionsOf(comparison)) {
    const rows = table(
      canvas,
      columns.map(({ isWord, ...column }) => ({
        ...column,
        align: isWord ? 'left' : 'right',
        ...(isWord && { widthMin: WORD_WIDTH_MIN }),
      })),
    );
    const said = lead === undefined ? [] : [...paragraph(lead, 2).map((line) => `  ${line}`), ''];
    lines.push(...section(canvas, title, [...said, ...rows]));
  }
  return `${lines.join('\n')}\n`;
}

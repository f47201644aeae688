/** How a guest is migrated under designs, as one HTML file: no script, nothing fetched. */
import { html } from '../html/markup.ts';
import { pageOf } from '../html/shell.ts';
import { tableOf } from '../html/table.ts';
import type { PostCopyComparison } from './schema.ts';
import { headlineText, parametersText, type Section, sectionsOf } from './sections.ts';

export function renderPostCopyHtml(comparison: PostCopyComparison): string {
  const { workload, designs } = comparison;
  return pageOf(
    `Designs for page tables: ${workload.title}`,
    html`<header>
<h1>${workload.title}</h1>
<p><b>${headlineText(designs)}</b></p>
<p>${workload.story}</p>
<p>${parametersText(comparison)}</p>
</header>
<main>${sectionsOf(comparison).map(shown)}</main>`,
  );
}

function shown({ title, lead, columns }: Section): ReturnType<typeof html> {
  const rows = [...(columns[0]?.cells ?? []).keys()];
  return html`
<section><h2>${title}</h2>
${lead && html`<p>${lead}</p>`}
${tableOf(
  title,
  rows,
  columns.map((column) => ({
    title: column.title,
    kind: column.isWord ? 'word' : 'number',
    cell: (row: number) => column.cells[row]!,
  })),
)}</section>
`;
}

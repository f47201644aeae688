/** How a guest is migrated under designs, as one HTML file: no script, nothing fetched. */
import { html } from '../html/markup.ts';
import { pageOf } from '../html/shell.ts';
import { tableOf } from '../html/table.ts';
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

export function renderPostCopyHtml(comparison: PostCopyComparison): string {
  const { workload, designs, engine } = comparison;
  return pageOf(
    `Designs for page tables: ${workload.title}`,
    html`<header>
<h1>${workload.title}</h1>
<p><b>${headlineText(designs)}</b></p>
<p>${workload.story}</p>
<p>${parametersText(comparison)}</p>
</header>
<main>
<section><h2>Until a vCPU goes on, and until all is there</h2>
${rows('By what is fetched at once', FETCH, designs)}</section>
<section><h2>The collapse at the end</h2>
${rows('At once, and in two rounds', COLLAPSE, collapseRows(designs))}</section>
<section><h2>In the engine</h2>
<p>${engineText(comparison)}</p>
${rows('Counted by the engine', ENGINE, engine.designs)}</section>
</main>`,
  );
}

function rows<Row>(
  caption: string,
  columns: readonly Shown<Row>[],
  shown: readonly Row[],
): ReturnType<typeof html> {
  return tableOf(
    caption,
    shown,
    columns.map(({ title, cell, isWord }) => ({ title, cell, kind: isWord ? 'word' : 'number' })),
  );
}

/** HTML tables of names and numbers. */
import { html, type Markup, type Part } from './markup.ts';

export interface Column<T> {
  readonly title: string;
  /** Names are set in their own direction and may break anywhere; the others never break. */
  readonly kind: 'name' | 'word' | 'number';
  readonly cell: (entry: T) => Part;
}

/** A table with a caption; `rowsMax` rows of it, and a sentence about the others. */
export function tableOf<T>(
  caption: string,
  entries: readonly T[],
  columns: readonly Column<T>[],
  rowsMax = Number.POSITIVE_INFINITY,
): Markup {
  const shown = entries.slice(0, rowsMax);
  const hidden = entries.length - shown.length;
  return html`<table>
<caption>${caption}</caption>
<thead><tr>${columns.map(({ title, kind }) => html`<th scope="col" class="${kind}">${title}</th>`)}</tr></thead>
<tbody>
${shown.map((entry) => html`<tr>${columns.map((column) => cellOf(column, entry))}</tr>\n`)}</tbody>
</table>
${hidden > 0 ? html`<p class="more">${hidden} more are in the JSON report.</p>` : undefined}`;
}

function cellOf<T>({ kind, cell }: Column<T>, entry: T): Markup {
  const content = cell(entry);
  return kind === 'name'
    ? html`<td class="name"><bdi>${content}</bdi></td>`
    : html`<td class="${kind}">${content}</td>`;
}

/** The parts of the page that are tables and prose. */
import {
  exactnessSentence,
  identitySentence,
  residualPhrase,
  unexplainedProcesses,
  unseenPhrases,
} from '../exactness.ts';
import { IDENTICAL, savingPhrase } from '../headline.ts';
import { formatBytes, formatPercent, percentOf } from '../quantity.ts';
import type { AdviceEntry, DesignEntry, HostReport } from '../schema.ts';
import { barSvg } from './bars.ts';
import { html, type Markup, type Part, raw } from './markup.ts';
import { tableOf } from './table.ts';

const ROWS_MAX = 200;

export function groupTable({ groups, pageTables }: HostReport): Markup {
  return tableOf(
    'Process groups',
    groups,
    [
      { title: 'Group', kind: 'name', cell: ({ name }) => name },
      { title: 'Processes', kind: 'number', cell: ({ processes }) => processes },
      { title: 'Tables', kind: 'number', cell: ({ vmPteBytes }) => formatBytes(vmPteBytes) },
      {
        title: 'The same again',
        kind: 'number',
        cell: ({ duplicateBytes }) => formatBytes(duplicateBytes),
      },
      {
        title: 'Share',
        kind: 'number',
        cell: ({ vmPteBytes }) => formatPercent(percentOf(vmPteBytes, pageTables.reportedBytes)),
      },
    ],
    ROWS_MAX,
  );
}

export function processTable({ processes }: HostReport): Markup {
  return tableOf(
    'Processes',
    processes.toSorted((a, b) => b.vmPteBytes - a.vmPteBytes),
    [
      { title: 'Pid', kind: 'number', cell: ({ pid }) => pid },
      { title: 'Command', kind: 'name', cell: ({ comm }) => comm },
      { title: 'VmPTE', kind: 'number', cell: ({ vmPteBytes }) => formatBytes(vmPteBytes) },
      { title: 'PTE tables', kind: 'number', cell: ({ tables }) => tables.pte },
      { title: 'PMD', kind: 'number', cell: ({ tables }) => tables.pmd },
      { title: 'PUD', kind: 'number', cell: ({ tables }) => tables.pud },
      { title: 'Deposited', kind: 'number', cell: ({ tables }) => tables.deposited },
      {
        title: 'Left over',
        kind: 'number',
        cell: ({ seen, residualBytes }) =>
          seen === 'tables' ? formatBytes(residualBytes) : 'not read',
      },
    ],
    ROWS_MAX,
  );
}

export function objectTable({ objects }: HostReport): Markup {
  return tableOf(
    'Mapped objects',
    objects,
    [
      { title: 'Object', kind: 'name', cell: ({ name }) => name },
      { title: 'Kind', kind: 'word', cell: ({ kind }) => kind },
      { title: 'Mappers', kind: 'number', cell: ({ mappers }) => mappers },
      { title: 'Mapped', kind: 'number', cell: ({ mappedBytes }) => formatBytes(mappedBytes) },
      {
        title: 'Populated',
        kind: 'number',
        cell: ({ populatedBytes }) => formatBytes(populatedBytes),
      },
      { title: 'Tables', kind: 'number', cell: ({ tableBytes }) => formatBytes(tableBytes) },
      {
        title: 'The same again',
        kind: 'number',
        cell: ({ duplicateBytes }) => formatBytes(duplicateBytes),
      },
    ],
    ROWS_MAX,
  );
}

export function designList(designs: readonly DesignEntry[]): Markup {
  const longest = Math.max(
    ...designs.map(({ beforeBytes, bytes }) => Math.max(beforeBytes, bytes)),
    1,
  );
  return html`<ol class="designs">
${designs.map((design) => designItem(design, longest))}</ol>
`;
}

function designItem(design: DesignEntry, longestBytes: number): Markup {
  const { id, title, beforeBytes, bytes, savesBytes, requires, costs, reservedBytes } = design;
  const saves = Math.max(savesBytes, 0);
  const bar = barSvg(
    [
      { look: 'once', name: 'Takes', bytes },
      ...(saves > 0 ? [{ look: 'saved' as const, name: 'Saves', bytes: saves }] : []),
    ],
    longestBytes,
  );
  const saving =
    savesBytes === 0
      ? undefined
      : html`<span class="saving">saves <b>${savingPhrase(design)}</b> ${formatPercent(percentOf(savesBytes, beforeBytes))}</span>`;
  const notes = [
    ...requires.map((sentence) => `Needs: ${sentence}`),
    ...(reservedBytes > 0 ? [`Sets aside: ${formatBytes(reservedBytes)} of memory`] : []),
    ...costs.map((sentence) => `Costs: ${sentence}`),
  ];
  return html`<li${id === IDENTICAL ? html` class="limit"` : undefined}>
<p class="design"><span><b>${id}</b> ${title}</span> ${saving} <span class="takes">${formatBytes(bytes)}</span></p>
${bar}
${notes.length === 0 ? undefined : html`<details><summary>What it needs and what it costs</summary><ul>${notes.map((note) => html`<li>${note}</li>`)}</ul></details>`}
</li>
`;
}

export function adviceList({ advice }: HostReport): Markup {
  if (advice.length === 0) {
    return html`<p>Nothing: no setting of this kernel would save much here.</p>\n`;
  }
  return html`<ol class="advice">
${advice.map(adviceItem)}</ol>
`;
}

function adviceItem({ title, appliesTo, savesBytes, why, steps, caveats }: AdviceEntry): Markup {
  return html`<li>
<h3>${title}</h3>
<p class="saving">saves <b>${formatBytes(savesBytes)}</b> in <bdi>${appliesTo}</bdi></p>
<p>${why}</p>
<ol>
${steps.map(
  ({ text, command }) =>
    html`<li>${text}${command === undefined ? undefined : html`<pre><code>${linesOf(command)}</code></pre>`}</li>\n`,
)}</ol>
${caveats.map((caveat) => html`<p class="caveat">${caveat}</p>\n`)}</li>
`;
}

/** Line ends of our own stay; in a name they would be shown as an escape. */
function linesOf(command: string): Part[] {
  return command.split('\n').flatMap((line, i) => (i === 0 ? [line] : [raw('\n'), line]));
}

export function exactnessList(report: HostReport): Markup {
  const unexplained = unexplainedProcesses(report);
  const sentences = [
    exactnessSentence(report),
    identitySentence(report),
    ...(unexplained.length > 0
      ? [`Left over in ${unexplained.map(residualPhrase).join(', ')}`]
      : []),
    ...unseenPhrases(report),
    ...report.notes,
  ];
  return html`<ul>
${sentences.map((sentence) => html`<li>${sentence}</li>\n`)}</ul>
`;
}

/** What designs cost after events, as a section of a page. */
import { html, type Markup } from '../html/markup.ts';
import { tableOf } from '../html/table.ts';
import { formatBytes } from '../quantity.ts';
import type { After, AfterStep } from './after_schema.ts';
import { costOf, engineSentence, formatAdded, openSentence, REFUSED } from './after_words.ts';
import type { DesignComparison } from './schema.ts';

export function afterSection({ after, processes, bytes }: DesignComparison): Markup | undefined {
  if (after === undefined) return undefined;
  const { engine, steps } = after;
  const isWhole = engine?.processes === processes && engine.bytes === bytes;
  const open = openSentence(after);
  const isRefused = steps.some(({ designs }) => designs.some(({ refused }) => refused > 0));
  return html`<section><h2>After a change</h2>
${engine === undefined ? undefined : html`<p>${engineSentence(engine, isWhole)}</p>`}
${steps.map((step, index) => stepTable(after, step, index))}
${isRefused ? html`<p>${REFUSED}</p>` : undefined}
${open === undefined ? undefined : html`<p>${open}</p>`}
${engine?.notRun.map(({ id, why }) => html`<p>${id} is not run: ${why}.</p>`)}
</section>`;
}

type Entry = AfterStep['designs'][number];
type Cost = NonNullable<ReturnType<typeof costOf>>;

function stepTable(after: After, { event, story, designs }: AfterStep, index: number): Markup {
  const counted = (title: string, value: (cost: Cost) => string) => ({
    title,
    kind: 'number' as const,
    cell: ({ id }: Entry): string => {
      const cost = costOf(after, id, index);
      return cost === undefined ? '-' : value(cost);
    },
  });
  const figure = (title: string, value: (cost: Cost) => number) =>
    counted(title, (cost) => value(cost).toLocaleString('en'));
  const isSame = after.engine?.agrees !== false;
  return tableOf(`${event}: ${story}`, designs, [
    { title: 'Design', kind: 'word', cell: ({ id }: Entry) => id },
    { title: 'Tables', kind: 'number', cell: ({ tableBytes }: Entry) => formatBytes(tableBytes) },
    { title: 'Change', kind: 'number', cell: formatAdded },
    figure('Faults', ({ faults }) => faults),
    figure('Flushes', ({ flushes }) => flushes),
    figure('IPIs', ({ ipis }) => ipis),
    figure('Entries written', ({ entriesWritten }) => entriesWritten),
    counted('Tables in the engine', ({ tableBytes }) => formatBytes(tableBytes)),
    ...(isSame ? [] : [counted('By the shapes', ({ shapeBytes = 0 }) => formatBytes(shapeBytes))]),
  ]);
}

/** What came of the searches, as text. */

import type { Finding } from '../../check/index.ts';
import { meaningOf } from '../../check/words.ts';
import { printable } from '../../report/printable.ts';
import { counted } from '../../report/quantity.ts';
import type { Canvas } from '../../report/text/canvas.ts';
import { wrap } from '../../report/text/fit.ts';
import { table } from '../../report/text/table.ts';
import type { ZooEntry } from '../../zoo/index.ts';
import type { SearchResult, Subject } from './job.ts';
import { raceArguments } from './race_file.ts';
import { reasonsOf } from './reasons.ts';
import { type Case, executionsOf, isOf, type Search, verdictOf } from './report.ts';
import { stateText } from './state_text.ts';
import { timeline } from './timeline.ts';

const INDENT = '  ';

/** The zoo as a table. */
export function listText(canvas: Canvas, entries: readonly ZooEntry[]): string[] {
  const cells = (cellOf: (entry: ZooEntry) => string): string[] => entries.map(cellOf);
  return table(canvas, [
    { title: 'Id', align: 'left', cells: cells(({ id }) => id) },
    {
      title: 'Also',
      align: 'left',
      cells: cells(({ aliases, fix }) => aliases.filter((alias) => alias !== fix).join(' ')),
      dropOrder: 2,
    },
    {
      title: 'What went wrong',
      align: 'left',
      cells: cells(({ title }) => title),
      isProse: true,
      widthMin: 50,
    },
    {
      title: 'Property',
      align: 'left',
      cells: cells(({ properties }) => properties.join(' ')),
      dropOrder: 3,
    },
    { title: 'Mended by', align: 'left', cells: cells(({ fix }) => fix ?? ''), dropOrder: 1 },
    {
      title: 'Kernels',
      align: 'left',
      cells: cells(({ versions }) => versions),
      widthMin: 12,
      dropOrder: 4,
    },
  ]);
}

/** One line for each entry, and all about those that did not come out as they should. */
export function summaryText(canvas: Canvas, cases: readonly Case[]): string[] {
  const isFine = (each: Case): boolean =>
    each.searches.every((search) => verdictOf(each, search) === 'expected');
  const wrong = cases.filter((each) => !isFine(each));
  const cells = (of: (checked: Case) => string): string[] => cases.map(of);
  const paint = (cell: string, row: number): string =>
    isFine(cases[row]!) ? cell : canvas.colors.red(cell);
  return [
    ...table(canvas, [
      { title: 'Id', align: 'left', cells: cells(({ name }) => name), paint },
      {
        title: 'What went wrong',
        align: 'left',
        cells: cells(({ entry }) => entry?.title ?? ''),
        isProse: true,
        widthMin: 30,
        dropOrder: 1,
      },
      { title: 'On', align: 'left', cells: cells((each) => brief(each, true)), paint },
      { title: 'Off', align: 'left', cells: cells((each) => brief(each, false)), paint },
    ]),
    '',
    ...wrong.flatMap((each) => [...caseText(canvas, each), '']),
    `${INDENT}${cases.length - wrong.length} of ${cases.length} as they should be`,
  ];
}

function brief({ searches }: Case, isOn: boolean): string {
  const search = searches.find(
    ({ subject }) => (subject.kind === 'zoo' && subject.isBroken) === isOn,
  );
  if (search === undefined) return '';
  const { result } = search;
  if (result === undefined) return 'not begun';
  const { finding, isComplete } = result;
  const what =
    finding === undefined ? (isComplete ? 'verified' : 'not verified') : finding.property;
  return `${what}, ${cost(result)}`;
}

/** Everything about one entry, or one scenario. */
export function caseText(canvas: Canvas, checked: Case): string[] {
  const { name, entry, searches } = checked;
  const heading = entry === undefined ? printable(name) : `${entry.id}  ${entry.title}`;
  return [
    ...wrap(heading, canvas.width, canvas.symbols.ellipsis).map(canvas.colors.bold),
    ...(entry === undefined ? [] : entryText(canvas, entry)),
    ...searches.flatMap((search) => ['', ...searchText(canvas, checked, search)]),
  ];
}

function entryText(canvas: Canvas, entry: ZooEntry): string[] {
  const { aliases, story, fix, versions, bounds } = entry;
  const facts = [
    `Also known as: ${aliases.join(', ')}`,
    `Kernels: ${versions}${fix === undefined ? '' : `; mended by ${fix}`}`,
    `Searched: ${bounds}`,
  ];
  return [
    ...indented(canvas, story),
    ...facts.flatMap((fact) => indented(canvas, fact).map(canvas.colors.dim)),
  ];
}

function searchText(canvas: Canvas, checked: Case, search: Search): string[] {
  const { subject, result } = search;
  const title =
    subject.kind !== 'zoo' ? '' : subject.isBroken ? 'With the mistake: ' : 'Without it: ';
  if (result === undefined) return [`${INDENT}${title}not begun`];
  const { red, green, yellow } = canvas.colors;
  const paint = { expected: green, unexpected: red, undecided: yellow }[verdictOf(checked, search)];
  const lines = indented(canvas, title + outcome(checked, search, result)).map(paint);
  if (result.finding === undefined) return lines;
  return [...lines, ...findingText(canvas, result.finding, againCommand(subject, result.finding))];
}

function outcome({ entry }: Case, { subject }: Search, result: SearchResult): string {
  const { finding, isComplete } = result;
  if (finding !== undefined) {
    const isMeant = subject.kind !== 'zoo' || !subject.isBroken || isOf(entry!, finding);
    const wanted = isMeant ? '' : `, and not ${entry!.properties.join(' or ')}`;
    return `found ${printable(finding.property)}${wanted} in ${cost(result)}`;
  }
  if (isComplete) return `verified: nothing found in all ${cost(result)}`;
  return `not verified: nothing found in ${cost(result)}, but ${reasonsOf(result).join('; ')}`;
}

export function cost(result: SearchResult): string {
  const executions = executionsOf(result);
  const noun = executions === 1 ? 'execution' : 'executions';
  const names = result.isSymmetric ? ' up to names' : '';
  return `${executions.toLocaleString('en')} ${noun}${names}, ${result.seconds.toFixed(1)} s`;
}

/** A finding: what is violated, how it comes about, and how to see it again. */
export function findingText(canvas: Canvas, finding: Finding, again: string): string[] {
  const meaning = meaningOf(finding.property);
  const switches = switchesIn(finding.schedule);
  return [
    ...(meaning === undefined ? [] : indented(canvas, meaning)),
    '',
    ...timeline(canvas, finding),
    '',
    ...(finding.state === undefined ? [] : [...stateText(canvas, finding.state), '']),
    ...indented(canvas, `Then: ${printable(finding.property)}`).map(canvas.colors.red),
    `${INDENT}${counted(finding.steps.length, 'step')}, ${switches} context ${switches === 1 ? 'switch' : 'switches'}`,
    `${INDENT}Schedule: ${finding.schedule}`,
    `${INDENT}Again: ${again}`,
  ];
}

function switchesIn(schedule: string): number {
  const actors = schedule.replaceAll("'", '').match(/\(\d+\)|./g) ?? [];
  return actors.filter((actor, at) => at > 0 && actor !== actors[at - 1]).length;
}

/** The command that shows a finding again. */
export function againCommand(subject: Subject, { schedule }: Finding): string {
  return `ptshare check ${argumentsOf(subject)} --schedule ${quoted(schedule)}`;
}

function argumentsOf(subject: Subject): string {
  switch (subject.kind) {
    case 'zoo':
      return `${subject.id} --${subject.isBroken ? 'on' : 'off'}`;
    case 'question':
      return `--questions ${subject.id}/${subject.at + 1}`;
    case 'race':
      return `${quoted(subject.file)} ${raceArguments(subject.source)}`;
    case 'file':
      return quoted(subject.file);
  }
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `"${printable(text).replace(/["\\$`]/g, '\\$&')}"`;
}

export function indented(canvas: Canvas, text: string): string[] {
  const width = canvas.width - INDENT.length;
  return wrap(text, width, canvas.symbols.ellipsis).map((line) => INDENT + line);
}

/** What came of questions, as text. */
import type { Canvas } from '../../report/text/canvas.ts';
import { wrap } from '../../report/text/fit.ts';
import { table } from '../../report/text/table.ts';
import type { Question } from '../../zoo/questions/index.ts';
import {
  type Answer,
  answerVerdict,
  caseOf,
  drawnOf,
  executionsIn,
  outcomeOf,
} from './question_report.ts';
import { reasonsOf } from './reasons.ts';
import { executionsOf, type Search } from './report.ts';
import { againCommand, findingText, indented } from './text.ts';

export function questionList(canvas: Canvas, questions: readonly Question[]): string[] {
  return table(canvas, [
    { title: 'Id', align: 'left', cells: questions.map(({ id }) => id) },
    {
      title: 'Question',
      align: 'left',
      cells: questions.map(({ title }) => title),
      isProse: true,
      widthMin: 30,
    },
    {
      title: 'Cases',
      align: 'right',
      cells: questions.map(({ cases }) => String(cases.length)),
      dropOrder: 1,
    },
  ]);
}

/** Question, answer, all cases, what was taken for granted, and a schedule if there is one. */
export function answerText(canvas: Canvas, answer: Answer): string[] {
  const { question, searches } = answer;
  const { id, title, asked, answer: words, assumptions, bounds } = question;
  const paragraphs = [asked, ...words].flatMap((text) => [...indented(canvas, text), '']);
  const facts = [
    ...assumptions.map((one) => `Taken for granted: ${one}`),
    `Bounds: ${bounds}`,
    `Searched: ${executionsIn(answer).toLocaleString('en')} executions`,
  ];
  return [
    ...wrap(`${id}  ${title}`, canvas.width, canvas.symbols.ellipsis).map(canvas.colors.bold),
    ...paragraphs,
    ...casesTable(canvas, answer),
    '',
    ...facts.flatMap((fact) => indented(canvas, fact).map(canvas.colors.dim)),
    ...searches.flatMap((search) => whyText(canvas, answer, search)),
    ...scheduleText(canvas, answer),
    '',
  ];
}

function casesTable(canvas: Canvas, answer: Answer): string[] {
  const { searches } = answer;
  const cases = searches.map((search) => caseOf(answer, search));
  const { green, red, yellow } = canvas.colors;
  const outcomes = searches.map(outcomeOf);
  return table(canvas, [
    { title: '', align: 'left', cells: cases.map(({ rule }) => rule), isProse: true, widthMin: 20 },
    {
      title: 'Race',
      align: 'left',
      cells: cases.map(({ race }) => race),
      isProse: true,
      widthMin: 16,
    },
    {
      title: 'Outcome',
      align: 'left',
      cells: outcomes,
      paint: (cell) => (cell === 'safe' ? green : cell === 'undecided' ? yellow : red)(cell),
    },
    {
      title: 'Executions',
      align: 'right',
      cells: searches.map(({ result }) =>
        result === undefined ? '' : executionsOf(result).toLocaleString('en'),
      ),
      dropOrder: 1,
    },
  ]);
}

/** Why a case has come to something else than the answer says. */
function whyText(canvas: Canvas, answer: Answer, search: Search): string[] {
  const { rule, race, found } = caseOf(answer, search);
  const [outcome, said] = [outcomeOf(search), found ?? 'safe'];
  if (outcome === said) return [];
  const { result } = search;
  const reasons = result === undefined ? ['it was not begun'] : reasonsOf(result);
  const why = outcome === 'undecided' ? ` (${reasons.join('; ')})` : '';
  const text = `${rule}, ${race}: ${outcome}${why}, the answer says ${said}`;
  return indented(canvas, text).map(
    answerVerdict(answer) === 'unexpected' ? canvas.colors.red : canvas.colors.yellow,
  );
}

function scheduleText(canvas: Canvas, answer: Answer): string[] {
  const drawn = drawnOf(answer);
  if (drawn?.result?.finding === undefined) return [];
  const { rule, race } = caseOf(answer, drawn);
  const { finding } = drawn.result;
  return [
    '',
    ...indented(canvas, `${rule}, ${race}:`).map(canvas.colors.bold),
    ...findingText(canvas, finding, againCommand(drawn.subject, finding)),
  ];
}

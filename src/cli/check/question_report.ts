/** What came of the cases of questions, as data: the JSON of `ptshare check --questions`. */
import type { Bound, Finding, Step } from '../../check/index.ts';
import type { Question, QuestionCase } from '../../zoo/questions/index.ts';
import { executionsOf, type Search, type Verdict } from './report.ts';

/** A question, with the searches of its cases or of one of them. */
export interface Answer {
  readonly question: Question;
  readonly searches: readonly Search[];
}

/** What a case has come to: a property, `safe`, or `undecided`. */
export function outcomeOf({ result }: Search): string {
  if (result === undefined) return 'undecided';
  return result.finding?.property ?? (result.isComplete ? 'safe' : 'undecided');
}

export function caseOf({ question }: Answer, { subject }: Search): QuestionCase {
  return question.cases[subject.kind === 'question' ? subject.at : 0]!;
}

/** `expected`: each search has come to what the answer says. */
export function answerVerdict(answer: Answer): Verdict {
  const outcomes = answer.searches.map(
    (search) => [outcomeOf(search), caseOf(answer, search).found ?? 'safe'] as const,
  );
  if (outcomes.some(([is, said]) => is !== said && is !== 'undecided')) return 'unexpected';
  return outcomes.some(([is]) => is === 'undecided') ? 'undecided' : 'expected';
}

/** Of all races of one rule. */
export function verdictOfRule(answer: Answer, rule: string): 'safe' | 'violated' | 'undecided' {
  const outcomes = answer.searches
    .filter((search) => caseOf(answer, search).rule === rule)
    .map(outcomeOf);
  if (outcomes.every((outcome) => outcome === 'safe')) return 'safe';
  const isFound = outcomes.some((outcome) => outcome !== 'safe' && outcome !== 'undecided');
  return isFound ? 'violated' : 'undecided';
}

/** The search whose schedule shows what is not safe. */
export function drawnOf(answer: Answer): Search | undefined {
  const found = answer.searches.filter(({ result }) => result?.finding !== undefined);
  return found.find((search) => caseOf(answer, search).rule === answer.question.drawn) ?? found[0];
}

export function executionsIn({ searches }: Answer): number {
  return searches.reduce((sum, { result }) => sum + (result ? executionsOf(result) : 0), 0);
}

interface CaseReport {
  readonly rule: string;
  readonly race: string;
  /** A property, `safe`, or `undecided`. */
  readonly outcome: string;
  readonly expected: string;
  readonly boundsHit: readonly Bound[];
  readonly executions: number;
  readonly seconds: number;
  readonly schedule: string | null;
  readonly steps: readonly Step[] | null;
  readonly state: Finding['state'] | null;
}

export interface AnswerReport {
  readonly id: string;
  readonly title: string;
  readonly asked: string;
  readonly answer: readonly string[];
  readonly assumptions: readonly string[];
  readonly bounds: string;
  readonly verdict: Verdict;
  readonly executions: number;
  /** Of `cases`, whose schedule is worth a look. */
  readonly drawn: number | null;
  readonly cases: readonly CaseReport[];
}

export interface QuestionsReport {
  readonly version: 1;
  readonly questions: readonly AnswerReport[];
}

export function toJson(answers: readonly Answer[]): QuestionsReport {
  return { version: 1, questions: answers.map(answerReport) };
}

function answerReport(answer: Answer): AnswerReport {
  const { id, title, asked, answer: words, assumptions, bounds } = answer.question;
  const drawn = drawnOf(answer);
  return {
    id,
    title,
    asked,
    answer: words,
    assumptions,
    bounds,
    verdict: answerVerdict(answer),
    executions: executionsIn(answer),
    drawn: drawn === undefined ? null : answer.searches.indexOf(drawn),
    cases: answer.searches.map((search) => caseReport(answer, search)),
  };
}

function caseReport(answer: Answer, search: Search): CaseReport {
  const { rule, race, found } = caseOf(answer, search);
  const { result } = search;
  return {
    rule,
    race,
    outcome: outcomeOf(search),
    expected: found ?? 'safe',
    boundsHit: result?.bounds ?? [],
    executions: result === undefined ? 0 : executionsOf(result),
    seconds: Number((result?.seconds ?? 0).toFixed(3)),
    schedule: result?.finding?.schedule ?? null,
    steps: result?.finding?.steps ?? null,
    state: result?.finding?.state ?? null,
  };
}

/** `ptshare check --questions`: the open questions of the mails, answered by searching their cases. */
import { canvasOf } from '../../report/text/canvas.ts';
import { QUESTIONS, type Question } from '../../zoo/questions/index.ts';
import { ExitCode, wrongUse } from '../failure.ts';
import { stopOnSignals } from '../signals.ts';
import { textOptions } from '../terminal.ts';
import type { CheckOptions } from './options.ts';
import { printJson, printLines } from './print.ts';
import { type Answer, answerVerdict, toJson } from './question_report.ts';
import { answerText, questionList } from './question_text.ts';
import type { Search } from './report.ts';
import { searchAll } from './search_all.ts';
import { searchOnCluster } from './search_on_cluster.ts';
import { questionNamed } from './subject.ts';

/** @param names of questions, or `ID/N` for one case; none to list them */
export async function answerQuestions(
  names: readonly string[],
  options: CheckOptions,
): Promise<ExitCode> {
  if (options.on === true || options.off === true) {
    throw wrongUse('--on and --off are for the zoo', 'Leave them out, or leave out --questions');
  }
  const { json, color, width, all } = options;
  const canvas = canvasOf(
    textOptions({ color, top: QUESTIONS.length, ...(width !== undefined && { width }) }),
  );
  if (options.list === true || (all !== true && names.length === 0)) {
    if (json === true) await printJson({ version: 1, questions: QUESTIONS.map(described) });
    else await printLines(questionList(canvas, QUESTIONS));
    return ExitCode.FINE;
  }
  const stopping = new AbortController();
  const endOnSignal = stopOnSignals(() => stopping.abort());
  const search = options.queue === undefined ? searchAll : searchOnCluster;
  const answers = await search(questionsOf(names, options), options, stopping.signal);
  if (json === true) await printJson(toJson(answers));
  else await printLines(answers.flatMap((answer) => answerText(canvas, answer)));
  endOnSignal();
  const verdicts = answers.map(answerVerdict);
  if (verdicts.includes('unexpected')) return ExitCode.FINDING;
  return verdicts.includes('undecided') ? ExitCode.CANNOT_RUN : ExitCode.FINE;
}

/** What is asked, without results. */
export function questionsOf(names: readonly string[], { all }: CheckOptions): Answer[] {
  if (all === true && names.length > 0) {
    throw wrongUse('Questions are named, and all are asked', 'Leave out the names, or --all');
  }
  const ids = all === true ? QUESTIONS.map(({ id }) => id) : names;
  return [...new Set(ids)].map((name) => {
    const [, id, number] = /^(.*?)(?:\/(\d{1,4}))?$/.exec(name)!;
    const question = questionNamed(id!);
    const searches = question.cases.map((_, at) => searchOf(question, at));
    if (number === undefined) return { question, searches };
    const search = searches[Number(number) - 1];
    if (search !== undefined) return { question, searches: [search] };
    throw wrongUse(
      `${question.id} has no case ${number}`,
      `Name one from 1 to ${question.cases.length}`,
    );
  });
}

function searchOf({ id }: Question, at: number): Search {
  return { subject: { kind: 'question', id, at }, result: undefined };
}

function described({ id, title, asked, cases }: Question): object {
  return { id, title, asked, cases: cases.length };
}

/** What `ptshare check` does: searches what is named, and says what came of it. */
import { type Finding, replay, type Scenario } from '../../check/index.ts';
import { type Canvas, canvasOf } from '../../report/text/canvas.ts';
import { ZOO } from '../../zoo/index.ts';
import { ExitCode, wrongUse } from '../failure.ts';
import { endAtOnceOnSignals, stopOnSignals } from '../signals.ts';
import { textOptions } from '../terminal.ts';
import { isModule } from '../user_module.ts';
import { idOf, raceOf, type Subject } from './job.ts';
import type { CheckOptions } from './options.ts';
import { printJson, printLines } from './print.ts';
import { answerQuestions, questionsOf } from './questions.ts';
import { isRaceFile, readRace, refuseMistake } from './race_file.ts';
import { type Case, listJson, type Search, toJson, type Verdict, verdictOf } from './report.ts';
import { searchAll } from './search_all.ts';
import { searchOnCluster } from './search_on_cluster.ts';
import { entryNamed, isToBeFound, scenarioOf } from './subject.ts';
import { againCommand, caseText, findingText, listText, summaryText } from './text.ts';
import { traceFinding, traceFirst } from './trace.ts';

export async function check(names: readonly string[], options: CheckOptions): Promise<ExitCode> {
  if (options.questions === true) {
    if (options.schedule === undefined) return answerQuestions(names, options);
    const asked = questionsOf(names, options).flatMap(({ searches }) => searches);
    return showSchedule(asked, options.schedule, options);
  }
  if (options.list === true) {
    if (options.json === true) await printJson(listJson(ZOO));
    else await printLines(listText(canvasFor(options), ZOO));
    return ExitCode.FINE;
  }
  if (options.job !== undefined && options.queue === undefined) {
    throw wrongUse('A job is of a queue, and there is none', 'Pass --queue, or leave out --job');
  }
  const wanted = await casesOf(names, options);
  if (options.schedule !== undefined) {
    const searches = wanted.flatMap((each) => each.searches);
    return showSchedule(searches, options.schedule, options);
  }
  const stopping = new AbortController();
  const endOnSignal = stopOnSignals(() => stopping.abort());
  const search = options.queue === undefined ? searchAll : searchOnCluster;
  const cases = await search(wanted, options, stopping.signal);
  for (const { subject, result } of cases.flatMap(({ searches }) => searches)) {
    if (subject.kind === 'race') refuseMistake(subject.file, result?.finding?.property);
  }
  await printCases(options, cases);
  if (options.trace !== undefined) await traceFirst(options.trace, cases);
  endOnSignal();
  return exitCodeOf(
    cases.flatMap((each) => each.searches.map((search) => verdictOf(each, search))),
  );
}

function exitCodeOf(verdicts: readonly Verdict[]): ExitCode {
  if (verdicts.includes('unexpected')) return ExitCode.FINDING;
  return verdicts.includes('undecided') ? ExitCode.CANNOT_RUN : ExitCode.FINE;
}

/** What is to be searched, without results. */
async function casesOf(names: readonly string[], options: CheckOptions): Promise<Case[]> {
  const { all, on, off, bug, design } = options;
  if ((all === true) === names.length > 0) {
    throw wrongUse(
      all ? 'Entries are named, and all are asked for' : 'Nothing is named to be checked',
      'Name entries of `ptshare check --list`, or a file, or pass --all',
    );
  }
  const both = on === off;
  const switches = [...(both || on ? [true] : []), ...(both || off ? [false] : [])];
  const named = all ? ZOO.map(({ id }) => id) : names;
  const cases = [...new Set(named)].map(async (name) => {
    const subject = await subjectInFile(name, options);
    if (subject !== undefined) {
      return { name, entry: undefined, searches: [{ subject, result: undefined }] };
    }
    const entry = entryNamed(name);
    const searches = switches.map((isBroken) => ({
      subject: { kind: 'zoo', id: entry.id, isBroken } as const,
      result: undefined,
    }));
    return { name: entry.id, entry, searches };
  });
  const found = await Promise.all(cases);
  const hasRace = found.some(({ searches }) => searches[0]?.subject.kind === 'race');
  if (hasRace || (bug === undefined && design === 'none')) return found;
  throw wrongUse(
    '--bug and --design are for races as text, and none is named',
    'Name a file that ends in .txt, or leave them out',
  );
}

async function subjectInFile(file: string, options: CheckOptions): Promise<Subject | undefined> {
  if (isModule(file)) return { kind: 'file', file };
  if (!isRaceFile(file)) return undefined;
  return { kind: 'race', file, source: await readRace(file, options) };
}

async function showSchedule(
  searches: readonly Search[],
  schedule: string,
  options: CheckOptions,
): Promise<ExitCode> {
  const [first, ...others] = searches;
  if (first === undefined || others.length > 0) {
    throw wrongUse(
      'A schedule is of one search',
      'Name one entry with --on or --off, a case of a question as ID/N, or a file',
    );
  }
  // A step may take for ever, and nothing is unfinished.
  endAtOnceOnSignals();
  const { subject } = first;
  const finding = replayOf(await scenarioOf(subject), schedule);
  if (subject.kind === 'race') refuseMistake(subject.file, finding?.property);
  if (options.trace !== undefined && finding !== undefined) {
    await traceFinding(options.trace, subject, finding);
  }
  const isWanted = isToBeFound(subject);
  if (options.json === true) {
    const race = raceOf(subject);
    await printJson({ version: 1, id: idOf(subject), race, finding: finding ?? null });
  } else if (finding === undefined) {
    await printLines(['Nothing is violated under this schedule']);
  } else {
    const shown = canvasFor(options);
    await printLines(findingText(shown, finding, againCommand(subject, finding)));
  }
  return isWanted === (finding !== undefined) ? ExitCode.FINE : ExitCode.FINDING;
}

function replayOf(scenario: Scenario, schedule: string): Finding | undefined {
  try {
    return replay(scenario, schedule);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw wrongUse(error.message, 'Search again: a schedule is of one version of a scenario');
  }
}

async function printCases(
  { all, json, ...options }: CheckOptions,
  cases: readonly Case[],
): Promise<void> {
  if (json === true) return printJson(toJson(cases));
  const shown = canvasFor(options);
  const lines = all
    ? summaryText(shown, cases)
    : cases.flatMap((each, at) => [...(at === 0 ? [] : ['']), ...caseText(shown, each)]);
  return printLines(lines);
}

function canvasFor({ color, width }: Pick<CheckOptions, 'color' | 'width'>): Canvas {
  return canvasOf(textOptions({ color, top: ZOO.length, ...(width !== undefined && { width }) }));
}

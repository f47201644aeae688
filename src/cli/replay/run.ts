/** What `ptshare replay` does: records if asked to, replays, shows what came of it. */
import { setFlagsFromString } from 'node:v8';
import {
  type HostFacts,
  LIMITS,
  Replay,
  ReplayError,
  type ReplayReport,
} from '../../replay/index.ts';
import { renderView, viewMachine } from '../../script/index.ts';
import { TraceWriter } from '../../trace/index.ts';
import { ExitCode, wrongUse } from '../failure.ts';
import { temporaryFile, writeOutputFile } from '../output_file.ts';
import { withProgress } from '../progress.ts';
import { blankedEngine } from '../run/engine.ts';
import { saveImage } from '../run/image_file.ts';
import { saveProc } from '../run/proc_folder.ts';
import { textOptions } from '../terminal.ts';
import { saveTrace } from '../trace_file.ts';
import { hostFacts } from './host_facts.ts';
import { readChunks } from './input.ts';
import { Lines } from './lines.ts';
import type { ReplayOptions } from './options.ts';
import { procHostOf } from './proc_host.ts';
import { record, recordFaults } from './record.ts';
import { reportText } from './text.ts';

/** Of the machine that recordings are replayed on. */
const FORMAT = 'x86_64-4level';
/**
 * How much more than what is alive V8 lets pile up, in per cent. Left to itself it lets the heap grow
 * several times as large, so that a long recording takes more memory than a short one.
 */
const HEAP_GROWTH = 20;

export async function runReplay(
  file: string | undefined,
  rest: readonly string[],
  options: ReplayOptions,
): Promise<ExitCode> {
  const isCommand = process.argv.includes('--');
  if (file === undefined || (!isCommand && rest.length > 0)) {
    throw wrongUse(
      file === undefined ? 'No recording is given' : 'More than one recording is given',
      'Run `ptshare replay FILE`, or `ptshare replay -- COMMAND`',
    );
  }
  if (isCommand) return await recordAndReplay([file, ...rest], options);
  const ofCommand = options.faults === true ? '--faults' : options.save && '--save';
  if (ofCommand !== undefined) {
    throw wrongUse(`${ofCommand} is about a command`, 'Pass one behind --, or leave it out');
  }
  return await replayFile(file, file === '-' ? 'standard input' : file, options);
}

async function recordAndReplay(
  command: readonly string[],
  options: ReplayOptions,
): Promise<ExitCode> {
  // As they are before the command takes huge pages.
  const facts = { ...hostFacts(), directory: process.cwd() };
  const recording = await temporaryFile('strace');
  try {
    await (options.faults === true ? recordFaults : record)(command, recording.path);
    if (options.save !== undefined) await writeOutputFile(options.save, await recording.read());
    return await replayFile(recording.path, `the recording of ${command[0]}`, options, facts);
  } finally {
    await recording.remove();
  }
}

async function replayFile(
  file: string,
  name: string,
  options: ReplayOptions,
  facts: HostFacts = hostFacts(),
): Promise<ExitCode> {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`);
  const { trace: tracePath } = options;
  const trace = tracePath && new TraceWriter({ clock: 'steps', format: FORMAT });
  const replay = new Replay({
    mm: await blankedEngine(),
    facts,
    isStrict: options.strict === true,
    trace: trace || undefined,
  });
  await withProgress(`Replaying ${name}`, (say) =>
    feed(replay, file, name, options.until ?? Number.POSITIVE_INFINITY, say),
  );
  const report = replay.finish();
  if (report.calls === 0 && report.faults.total === 0) {
    throw wrongUse(
      `Cannot replay ${name}: it has no call that concerns memory`,
      'Record with strace -f -y -e trace=%memory,%process,%ipc,%desc',
    );
  }
  await show(replay, report, options);
  if (tracePath && trace) {
    await saveTrace(tracePath, trace.trace());
  }
  const host = procHostOf(replay);
  if (options.image !== undefined) await saveImage(options.image, host);
  if (options.proc !== undefined) await saveProc(options.proc, host);
  return report.differences === 0 && report.violation === null ? ExitCode.FINE : ExitCode.FINDING;
}

async function feed(
  replay: Replay,
  file: string,
  name: string,
  until: number,
  say: (detail: string) => void,
): Promise<void> {
  const lines = new Lines(LIMITS.lineLength, (line) => {
    if (replay.report.lines < until) replay.line(line);
  });
  try {
    for await (const chunk of readChunks(file)) {
      lines.push(chunk);
      say(`${replay.report.lines} lines`);
      if (replay.report.lines >= until) return;
    }
    lines.end();
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error;
    throw wrongUse(`Cannot replay ${name}: ${error.message}`, error.mend);
  }
}

async function show(replay: Replay, report: ReplayReport, options: ReplayOptions): Promise<void> {
  const shownAs = textOptions(options);
  if (options.json === true) return await print(`${JSON.stringify(report, null, 2)}\n`);
  await print(reportText(report, shownAs));
  if (options.show !== true) return;
  const { mm, machine, names } = replay.host;
  const processes = replay.threads.flatMap(({ pid, space }) =>
    space?.task === undefined ? [] : [{ pid, task: space.task }],
  );
  await print(renderView(viewMachine(mm, machine, processes, names), shownAs));
}

function print(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => resolve());
  });
}

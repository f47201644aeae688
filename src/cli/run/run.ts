/** What `ptshare run` does: reads a scenario, runs it, shows what came of it. */
import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { formatById } from '../../arch/index.ts';
import { type MachineOptions, parseScript, ScriptError, Session } from '../../script/index.ts';
import { TraceWriter } from '../../trace/index.ts';
import { ExitCode, fileFailure, wrongUse } from '../failure.ts';
import { withProgress } from '../progress.ts';
import { endAtOnceOnSignals, endCleanlyOnSignals } from '../signals.ts';
import { saveTrace } from '../trace_file.ts';
import { isModule } from '../user_module.ts';
import { blankedEngine, canonicalEngine } from './engine.ts';
import { saveImage } from './image_file.ts';
import { interact } from './interactive.ts';
import { runModule } from './module.ts';
import { mshareOf } from './mshare.ts';
import type { RunOptions } from './options.ts';
import { type Output, outputOf } from './output.ts';
import { saveProc } from './proc_folder.ts';
import { procHostOf } from './proc_host.ts';
import { whileMounted } from './proc_mount.ts';

export async function runScenarios(
  file: string | undefined,
  options: RunOptions,
): Promise<ExitCode> {
  if (file === undefined && options.interactive !== true) {
    throw wrongUse('No scenario is given', 'Run `ptshare run FILE`, or see `ptshare run --help`');
  }
  // A scenario may keep the event loop busy, and leaves nothing behind that is unfinished.
  endAtOnceOnSignals();
  const machine = machineOptions(options);
  const output = outputOf(options);
  const trace = options.trace === undefined ? undefined : newTrace(options);
  if (file !== undefined && isModule(file)) {
    if (options.interactive) {
      throw wrongUse('A module cannot be continued interactively', 'Use a script, or leave out -i');
    }
    return finish(await runModule(file, machine, output.onStep, trace), output, options, trace);
  }
  // To the blanked build a call is one step: a trace of it would have no times within calls.
  const isCanonical = trace !== undefined;
  const mm = await (isCanonical ? canonicalEngine() : blankedEngine());
  const mshare = await mshareOf(options, isCanonical);
  const session = new Session({
    mm,
    isCanonical,
    ...machine,
    onStep: output.onStep,
    trace,
    mshare,
  });
  if (file !== undefined) await runScript(file, session, options);
  if (options.interactive && options.mount !== undefined) {
    await whileMounted(options.mount, session, () => interact(session));
  } else if (options.interactive) await interact(session);
  return finish(session, output, options, trace);
}

async function finish(
  session: Session,
  output: Output,
  { interactive, trace: path, image, proc, mount }: RunOptions,
  trace: TraceWriter | undefined,
): Promise<ExitCode> {
  const violation = session.audit();
  if (interactive !== true) await output.finish(session);
  if (path !== undefined && trace !== undefined) {
    await saveTrace(path, trace.trace());
  }
  endCleanlyOnSignals();
  if (image !== undefined) await saveImage(image, procHostOf(session));
  if (proc !== undefined) await saveProc(proc, procHostOf(session));
  if (mount !== undefined && interactive !== true) await whileMounted(mount, session);
  return violation === undefined ? ExitCode.FINE : ExitCode.FINDING;
}

function newTrace({ format }: RunOptions): TraceWriter {
  return new TraceWriter({ clock: 'steps', format });
}

function machineOptions({ format, cpus, memory, thp, maxMapCount }: RunOptions): MachineOptions {
  return {
    format: formatById(format)!,
    cpus,
    memoryBytes: memory,
    thp,
    mapCountMax: maxMapCount,
  };
}

/** How long to keep the event loop waiting, which draws the progress. */
const BUSY_MS = 50;

async function runScript(file: string, session: Session, options: RunOptions): Promise<void> {
  const name = file === '-' ? 'standard input' : file;
  const text = await readScript(file);
  const isQuiet = options.json === true || !process.stdout.isTTY;
  await (isQuiet ? withProgress(`Running ${name}`, run) : run(() => {}));

  async function run(say: (detail: string) => void): Promise<void> {
    try {
      const statements = parseScript(text);
      let turnedAt = performance.now();
      for (const [index, statement] of statements.entries()) {
        session.execute(statement);
        if (performance.now() - turnedAt < BUSY_MS) continue;
        say(`${index + 1} of ${statements.length} statements`);
        await nextTurn();
        turnedAt = performance.now();
      }
    } catch (error) {
      throw scriptFailure(name, error);
    }
  }
}

/** A mistake in the script `name`, with its place; anything else as it is. */
export function scriptFailure(name: string, error: unknown): unknown {
  if (!(error instanceof ScriptError)) return error;
  return wrongUse(`${name}:${error.place === undefined ? ' ' : ''}${error.message}`, error.mend);
}

async function readScript(file: string): Promise<string> {
  try {
    return file === '-' ? await readAll(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw fileFailure(`read ${file}`, error, 'Name a file that holds a script or a module');
  }
}

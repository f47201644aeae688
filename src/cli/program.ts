/** All commands, and what they have in common. */
import { Command, CommanderError } from 'commander';
import { ExitCode, explain, wrongUse } from './failure.ts';
import { endCleanlyOnSignals, endQuietlyOnClosedPipe } from './signals.ts';
import { readVersion } from './version.ts';

type End = (exitCode: ExitCode) => void;

/** In the order of the help. Only what is asked for is loaded: most of it is of one command alone. */
const COMMANDS: Readonly<Record<string, (end: End) => Promise<Command>>> = {
  host: async (end) => (await import('./host/command.ts')).hostCommand(end),
  compare: async (end) => (await import('./compare/command.ts')).compareCommand(end),
  watch: async (end) => (await import('./watch/command.ts')).watchCommand(end),
  fleet: async (end) => (await import('./fleet/command.ts')).fleetCommand(end),
  run: async (end) => (await import('./run/command.ts')).runCommand(end),
  replay: async (end) => (await import('./replay/command.ts')).replayCommand(end),
  check: async (end) => (await import('./check/command.ts')).checkCommand(end),
  view: async (end) => (await import('./view/command.ts')).viewCommand(end),
  worker: async (end) => (await import('./worker/command.ts')).workerCommand(end),
  completion: async () => (await import('./completion/command.ts')).completionCommand(),
};
const DEFAULT = 'host';

/** Runs the command line and returns the exit status. Never throws. */
export async function runProgram(args: readonly string[]): Promise<ExitCode> {
  endCleanlyOnSignals();
  endQuietlyOnClosedPipe();
  let exitCode: ExitCode = ExitCode.FINE;
  try {
    const program = await buildProgram(namesFor(args), (code) => {
      exitCode = code;
    });
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? ExitCode.FINE : ExitCode.WRONG_USE;
    }
    const { text, exitCode: failed } = explain(error);
    process.stderr.write(text);
    return failed;
  }
  return exitCode;
}

/** Which commands it takes to understand `args`. @throws Failure if there is no such command */
function namesFor([first = DEFAULT]: readonly string[]): readonly string[] {
  const all = Object.keys(COMMANDS);
  // Help and completion are about all of them.
  if (first === 'help' || first === 'completion' || first.startsWith('-')) return all;
  if (Object.hasOwn(COMMANDS, first)) return [first];
  // Without this, the default command would take it for an argument of its own.
  throw wrongUse(`Unknown command: ${first}`, `Use one of: ${['help', ...all].join(', ')}`);
}

async function buildProgram(names: readonly string[], end: End): Promise<Command> {
  const program = new Command('ptshare')
    .description('What page tables cost, and what each design for sharing them would save.')
    .version(readVersion(), '--version', 'print the version')
    .helpOption('--help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .addHelpText(
      'after',
      '\nWithout a command, `host` runs; `ptshare help host` shows its options.',
    );
  const commands = await Promise.all(names.map((name) => COMMANDS[name]!(end)));
  for (const command of commands) {
    program.addCommand(command, { isDefault: command.name() === DEFAULT });
  }
  for (const command of [program, ...program.commands]) settle(command);
  return program;
}

/** Errors are thrown, and end with where to look instead of with a page of help. */
function settle(command: Command): void {
  const path = command.parent === null ? 'ptshare' : `ptshare ${command.name()}`;
  command
    .exitOverride()
    .helpOption('--help', 'print help')
    .configureHelp({ helpWidth: Math.min(process.stdout.columns ?? 100, 100) })
    .configureOutput({
      outputError: (text, write) => write(`ptshare: ${text.replace(/^error: /, '')}`),
    })
    .showHelpAfterError(`Run \`${path} --help\` to see what is possible`);
}

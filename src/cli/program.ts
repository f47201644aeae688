/** All commands, and what they have in common. */
import { Command, CommanderError } from 'commander';
import { checkCommand } from './check/command.ts';
import { compareCommand } from './compare/command.ts';
import { completionCommand } from './completion/command.ts';
import { ExitCode, explain, wrongUse } from './failure.ts';
import { fleetCommand } from './fleet/command.ts';
import { hostCommand } from './host/command.ts';
import { replayCommand } from './replay/command.ts';
import { runCommand } from './run/command.ts';
import { endCleanlyOnSignals, endQuietlyOnClosedPipe } from './signals.ts';
import { readVersion } from './version.ts';
import { viewCommand } from './view/command.ts';
import { watchCommand } from './watch/command.ts';
import { workerCommand } from './worker/command.ts';

/** Runs the command line and returns the exit status. Never throws. */
export async function runProgram(args: readonly string[]): Promise<ExitCode> {
  endCleanlyOnSignals();
  endQuietlyOnClosedPipe();
  let exitCode: ExitCode = ExitCode.FINE;
  try {
    const program = buildProgram((code) => {
      exitCode = code;
    });
    refuseUnknownCommand(program, args);
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

export function buildProgram(end: (exitCode: ExitCode) => void): Command {
  const program = new Command('ptshare')
    .description('What page tables cost, and what each design for sharing them would save.')
    .version(readVersion(), '--version', 'print the version')
    .helpOption('--help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .addHelpText(
      'after',
      '\nWithout a command, `host` runs; `ptshare help host` shows its options.',
    );
  program.addCommand(hostCommand(end), { isDefault: true });
  program.addCommand(compareCommand(end));
  program.addCommand(watchCommand(end));
  program.addCommand(fleetCommand(end));
  program.addCommand(runCommand(end));
  program.addCommand(replayCommand(end));
  program.addCommand(checkCommand(end));
  program.addCommand(viewCommand(end));
  program.addCommand(workerCommand(end));
  program.addCommand(completionCommand());
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

/** Without this, the default command would take it for an argument of its own. */
function refuseUnknownCommand(program: Command, [first]: readonly string[]): void {
  const names = ['help', ...program.commands.map((command) => command.name())];
  if (first === undefined || first.startsWith('-') || names.includes(first)) return;
  throw wrongUse(`Unknown command: ${first}`, `Use one of: ${names.join(', ')}`);
}

/** `ptshare run`: the command, its help, and what it ends with. */
import { Command } from 'commander';
import type { ExitCode } from '../failure.ts';
import { addRunOptions, type RunOptions } from './options.ts';
import { runScenarios } from './run.ts';

const EXAMPLES = `
A script is calls as in C, one a line or separated by ;, with comments after # or //:
  a = mmap(NULL, 4*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
  write(a, 2*M)                 # touches each page
  child = fork()
  as(child); munmap(a + 1*M, 4*K)
  show()

Examples:
  ptshare run scenario.txt      runs a script; in the end its address spaces are drawn
  ptshare run scenario.ts       a module that exports a function named scenario
  ptshare run - < scenario.txt  a script from standard input
  ptshare run -i                interactive; help() lists all calls

docs/run.md describes the calls and what a module gets.

Exit status: 0 fine; 1 a property of the kernel is violated; 2 wrong use; 3 cannot run here.`;

export function runCommand(end: (exitCode: ExitCode) => void): Command {
  return addRunOptions(new Command('run'))
    .summary('run system calls on a simulated machine, and draw the address spaces')
    .description(
      'Runs a scenario of system calls and touches on a simulated machine, and draws the address spaces and page tables that come of it.',
    )
    .argument('[file]', 'a script, or a module (.ts, .js, .mjs); - for standard input')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string | undefined, options: RunOptions) =>
      end(await runScenarios(file, options)),
    );
}

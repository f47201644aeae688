/** `ptshare check`: the command, its help, and what it ends with. */
import { Command } from 'commander';
import type { ExitCode } from '../failure.ts';
import { check } from './check.ts';
import { addCheckOptions, type CheckOptions } from './options.ts';

const EXAMPLES = `
The zoo is known bugs, each re-created by a switch. With the mistake it must be found, without it
every interleaving must be clean. \`verified\` is said of complete searches only.

Examples:
  ptshare check --list                the zoo
  ptshare check B1 CVE-2018-18281     two of it, by id or another name
  ptshare check --all --json          all of it
  ptshare check B1 --on --schedule 00110        what happens under one schedule
  ptshare check race.txt              a race of your own: docs/check.md
  ptshare check race.txt --bug B1 --design mshare-v3
  ptshare check race.ts --strategy preemptions=2 --timeout 60
  ptshare check race.ts --checkpoint race.json  saves, and goes on after any interruption
  ptshare check --questions           open questions of the mails, answered by search
  ptshare check --all --queue redis://queue.example --job nightly   by \`ptshare worker\`s

Exit status: 0 as it should be; 1 found what should not be, or not found what should be;
2 wrong use; 3 cannot run here, or a bound ended a search before anything could be said.`;

export function checkCommand(end: (exitCode: ExitCode) => void): Command {
  return addCheckOptions(new Command('check'))
    .summary('search every interleaving of mm operations for what goes wrong')
    .description(
      'Searches all interleavings of mm operations on several CPUs: known bugs, or a scenario of your own.',
    )
    .argument('[id|file...]', 'of the zoo, or a race: text (.txt), or a module (.ts, .js, .mjs)')
    .addHelpText('after', EXAMPLES)
    .action(async (names: string[], options: CheckOptions) => end(await check(names, options)));
}

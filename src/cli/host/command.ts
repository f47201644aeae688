/** `ptshare host`: the command, its help, and what it ends with. */
import { Command } from 'commander';
import type { ExitCode } from '../failure.ts';
import { addHostOptions, type HostOptions } from './options.ts';
import { runHost } from './run.ts';

const EXAMPLES = `
Examples:
  ptshare host                                this host, as text
  ptshare host --html report.html             and as a page with pictures
  ptshare host --save before.parquet          keep what was seen, for later or elsewhere
  ptshare host --from before.parquet --json   analyse it on another machine
  ptshare host --compare before.parquet       after a change: predicted against measured
  ptshare host --project postgres=500         what 500 processes of a group would cost

Files named with --html and --save are replaced if they exist, and are whole or not there at all.
Reading a host changes nothing on it. Root sees every process, others see their own.

Exit status: 0 fine; 1 the walk of --exact found other tables; 2 wrong use; 3 cannot run here.`;

export function hostCommand(end: (exitCode: ExitCode) => void): Command {
  return addHostOptions(new Command('host'))
    .summary('what page tables cost on this host, and what each design would save')
    .description(
      'Tells what page tables cost on this host, who pays, what each design for sharing them would save, and what to change to get it.',
    )
    .addHelpText('after', EXAMPLES)
    .action(async (options: HostOptions) => end(await runHost(options)));
}

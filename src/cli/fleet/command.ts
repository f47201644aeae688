/** `ptshare fleet`: the command, its help, and what it ends with. */
import { Command } from 'commander';
import type { ExitCode } from '../failure.ts';
import { addFleetOptions, type FleetOptions } from './options.ts';
import { runFleet } from './run.ts';

const EXAMPLES = `
Examples:
  ptshare fleet snapshots/                     all snapshots below a folder
  ptshare fleet 'hosts/*.parquet' --json       of a pattern, as JSON
  ptshare fleet list.txt --html fleet.html     of a list: a path or pattern a line
  ptshare fleet snapshots/ --save dataset/     as one Parquet dataset, for any SQL engine
  ptshare fleet /var/lib/ptshare               the history that \`ptshare watch\` keeps
  ptshare fleet dataset/ --sql 'SELECT name, sum(table_bytes) FROM software GROUP BY name'
  ptshare fleet snapshots/ --queue redis://queue.example      analysed by \`ptshare worker\`s

Files are those of \`ptshare host --save\` or of a dataset. What is told of a host is its last sample,
but for the trend. A file that cannot be used is named, and the others count.

Exit status: 0 fine; 1 a file could not be used; 2 wrong use; 3 cannot run here.`;

export function fleetCommand(end: (exitCode: ExitCode) => void): Command {
  return addFleetOptions(new Command('fleet'))
    .summary('what page tables cost on many hosts, and what would save most where')
    .description(
      'Reads snapshots of many hosts as one fleet: what page tables cost, which software and which segments pay, which design saves most where, which hosts are unlike the others, and where it goes.',
    )
    .argument('<file-or-folder...>', 'snapshots, folders, patterns or lists of them, datasets')
    .addHelpText('after', EXAMPLES)
    .action(async (paths: string[], options: FleetOptions) => end(await runFleet(paths, options)));
}

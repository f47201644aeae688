/** `ptshare view`: the command, its help, and what it ends with. */
import { Command, Option } from 'commander';
import type { ExitCode } from '../failure.ts';
import { whole } from '../option_values.ts';
import { type ViewOptions, view } from './view.ts';

const EXAMPLES = `
Files are told apart by what is in them:
  ptshare host --save host.parquet && ptshare view host.parquet      a host, and its address spaces
  ptshare host --json > host.json && ptshare view host.json          a report
  ptshare run examples/run/fork.txt --trace fork.ptt && ptshare view fork.ptt
  ptshare check C1 --json > c1.json && ptshare view c1.json          a finding, step by step

The page is served to this machine only, at an address that nobody can guess, until Ctrl-C. It sends
nothing anywhere. The same page is in dist/view of the package, for any web server.

Exit status: 0 fine; 2 wrong use; 3 cannot run here.`;

const PORT_MAX = 65_535;
const SECONDS_MAX = 3600;
const LIVE_SECONDS = '5';

export function viewCommand(end: (exitCode: ExitCode) => void): Command {
  const command = new Command('view')
    .summary('see the tables, the sharing and the race, in a browser')
    .description(
      'Opens what the other commands write in a browser: hosts, traces, findings. Without a file, the playground and everything that it can open.',
    )
    .argument('[file]', 'a snapshot, a report, a trace or what `check --json` printed');
  command.addOption(
    new Option('--port <n>', 'to listen on').default(0, 'any').argParser(whole(0, PORT_MAX)),
  );
  command.addOption(
    new Option('--live [seconds]', 'follow this host, reading it that often')
      .preset(LIVE_SECONDS)
      .argParser(whole(1, SECONDS_MAX)),
  );
  command.addOption(new Option('--no-open', 'only print the address'));
  command.addOption(new Option('--json', 'print the address as JSON, and open nothing'));
  return command
    .addHelpText('after', EXAMPLES)
    .action(async (file: string | undefined, options: ViewOptions) =>
      end(await view(file, options)),
    );
}

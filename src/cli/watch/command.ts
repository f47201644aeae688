/** `ptshare watch`: the command, its help, and what it ends with. */
import { Command } from 'commander';
import type { ExitCode } from '../failure.ts';
import { addWatchOptions, type WatchCommandOptions } from './options.ts';
import { runWatch } from './run.ts';

const EXAMPLES = `
Examples:
  ptshare watch                                     say what changes, once a minute
  ptshare watch --store /var/lib/ptshare            and keep the history (ptshare fleet reads it)
  ptshare watch --listen 127.0.0.1:9469             and serve it to Prometheus
  ptshare watch --once --threshold tables=2%        for cron: status 1 if passed
  ptshare watch --threshold group:postgres=10G --json | jq -c 'select(.alarms != [])'

Looking costs CPU time. Where --cpu is not enough for --every, it looks less often, and says so.
Reading a host changes nothing on it. Root sees every process, others see their own.

Exit status: 0 fine; 1 a threshold was passed at the last sample; 2 wrong use; 3 cannot run here.`;

export function watchCommand(end: (exitCode: ExitCode) => void): Command {
  return addWatchOptions(new Command('watch'))
    .summary('record this host over time, tell what changes, serve metrics')
    .description(
      'Looks at this host again and again: tells what changed and which thresholds are passed, keeps a history, and serves metrics to Prometheus.',
    )
    .addHelpText('after', EXAMPLES)
    .action(async (options: WatchCommandOptions) => end(await runWatch(options)));
}

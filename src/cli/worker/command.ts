/** `ptshare worker`: the command, its help, and what it ends with. */
import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { ExitCode } from '../failure.ts';
import { queueOption } from '../jobs/option.ts';
import { type ServedTask, serve } from '../jobs/serve.ts';
import { whole } from '../option_values.ts';
import { withProgress } from '../progress.ts';
import { stopOnSignals } from '../signals.ts';
import { print } from '../stdout.ts';
import { readVersion } from '../version.ts';

const EXAMPLES = `
Takes work of \`ptshare check --queue\` and \`ptshare fleet --queue\` of the same version, until Ctrl-C:
what is under way is finished then. Killed, it loses nothing: others take over after --lease.

Examples:
  ptshare worker --queue redis://queue.example:6379
  PTSHARE_QUEUE=rediss://:password@queue.example ptshare worker --threads 8
  ptshare worker --queue redis://queue.example --json | jq -c 'select(.why)'

Exit status: 2 wrong use; 3 cannot reach the queue.`;

interface WorkerOptions {
  readonly queue: string;
  readonly threads: number;
  readonly lease: number;
  readonly json?: true;
}

export function workerCommand(end: (exitCode: ExitCode) => void): Command {
  return new Command('worker')
    .summary('do work of others that comes through a queue')
    .description('Joins a cluster: does units of searches and fleets that come through Redis.')
    .addOption(queueOption().makeOptionMandatory())
    .addOption(
      new Option('--threads <n>', 'units at a time')
        .argParser(whole(1, 1024))
        .default(availableParallelism(), 'one for each CPU'),
    )
    .addOption(
      new Option('--lease <seconds>', 'without a sign of life, until others take over')
        .argParser(whole(1, 3600))
        .default(30),
    )
    .addOption(new Option('--json', 'print a line of JSON for each unit (docs/queue.md)'))
    .addHelpText('after', EXAMPLES)
    .action(async (options: WorkerOptions) => end(await runWorker(options)));
}

async function runWorker({ queue, threads, lease, json }: WorkerOptions): Promise<ExitCode> {
  const stopping = new AbortController();
  const endOnSignal = stopOnSignals(() => stopping.abort());
  const version = readVersion();
  const counts = { done: 0, failed: 0 };
  const counted = (): string => `${counts.done} units done, ${counts.failed} failed`;
  const printLine = (line: object): void => {
    if (json === true) process.stdout.write(`${JSON.stringify(line)}\n`);
  };
  await withProgress(`Working, version ${version}`, (say) => {
    const onTask = (task: ServedTask): void => {
      counts[task.why === undefined ? 'done' : 'failed']++;
      say(counted());
      printLine({ event: 'unit', ...task, why: task.why ?? null, ...counts });
    };
    const onReady = (): void => printLine({ event: 'ready', version, threads });
    const options = { url: queue, version, threads, leaseSeconds: lease, onReady, onTask };
    return serve(options, stopping.signal);
  });
  if (json === true) printLine({ event: 'end', ...counts });
  else await print(`${counted()}\n`);
  endOnSignal();
  return ExitCode.FINE;
}

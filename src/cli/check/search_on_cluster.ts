/** Searches in parts that all workers of a cluster share. */
import { createHash, randomBytes } from 'node:crypto';
import { printable } from '../../report/printable.ts';
import { wrongUse } from '../failure.ts';
import { Cluster } from '../jobs/cluster.ts';
import { type Executor, runTasks, type Source } from '../jobs/executor.ts';
import { TaskError } from '../jobs/task_error.ts';
import { withProgress } from '../progress.ts';
import { readVersion } from '../version.ts';
import type { Subject } from './job.ts';
import type { CheckOptions } from './options.ts';
import type { Case } from './report.ts';
import { type SharedLimits, SharedSource, sharedOf } from './shared_source.ts';
import { parseState } from './shared_state.ts';

const SAVE_MS = 1000;
/** How many times as long as saving took is not saved: results stay on the server until then. */
const SAVE_TIMES = 100;

/** @returns `cases` with what came of them, as far as they came */
export async function searchOnCluster<C extends Pick<Case, 'searches'>>(
  cases: readonly C[],
  options: CheckOptions,
  abort: AbortSignal,
): Promise<C[]> {
  const subjects = cases.flatMap(({ searches }) => searches.map(({ subject }) => subject));
  if (options.strategy.name !== 'optimal') {
    throw wrongUse(
      `A search with --strategy ${options.strategy.name} cannot be shared`,
      'Leave out --strategy, or search without --queue',
    );
  }
  const { maxExecutions, unit, timeout } = options;
  const limits = { unit, ...(maxExecutions !== undefined && { executionsMax: maxExecutions }) };
  const signals = [abort, ...(timeout === undefined ? [] : [AbortSignal.timeout(timeout * 1000)])];
  const { queue, job } = options;
  const source = await run(queue!, job, subjects, limits, AbortSignal.any(signals));
  for (const why of source.poison) {
    process.stderr.write(`ptshare: A unit was set aside: ${printable(why)}\n`);
  }
  const results = source.results().map((result) => {
    const { bounds, stoppedBy = abort.aborted ? 'signal' : 'timeout' } = result;
    return bounds.includes('stopped') ? { ...result, stoppedBy } : result;
  });
  return cases.map((each) => ({
    ...each,
    searches: each.searches.map(({ subject }) => ({ subject, result: results.shift() })),
  }));
}

async function run(
  url: string,
  name: string | undefined,
  subjects: readonly Subject[],
  limits: SharedLimits,
  abort: AbortSignal,
): Promise<SharedSource> {
  const version = readVersion();
  const job = name ?? randomBytes(6).toString('hex');
  const of = createHash('sha256')
    .update(JSON.stringify([version, subjects.map(sharedOf), limits]))
    .digest('hex');
  const cluster = await Cluster.open(url, version, job);
  try {
    const saved = await cluster.load();
    const source = await SharedSource.open(
      subjects,
      version,
      limits,
      saved === undefined ? undefined : stateOf(saved, of, job),
    );
    process.stderr.write(`ptshare: Job ${job}: go on with it by --job ${job}\n`);
    let saveAt = performance.now() + SAVE_MS;
    const saving: Source = {
      next: (wanted) => source.next(wanted),
      take: async (outcome) => {
        source.take(outcome);
        const begun = performance.now();
        if (begun < saveAt) return;
        await cluster.save(source.save(of));
        const now = performance.now();
        saveAt = now + Math.max(SAVE_MS, SAVE_TIMES * (now - begun));
      },
    };
    await runShown(cluster, saving, source, abort);
    if (abort.aborted) await cluster.save(source.save(of));
    await cluster.remove(!abort.aborted);
    return source;
  } finally {
    await cluster.close();
  }
}

function stateOf(text: string, of: string, job: string): ReturnType<typeof parseState> {
  try {
    return parseState(text, of);
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    throw wrongUse(`Cannot go on with job ${job}: ${error.message}`, 'Give the job another name');
  }
}

function runShown(
  executor: Executor,
  source: Source,
  shared: SharedSource,
  abort: AbortSignal,
): Promise<void> {
  return withProgress('Searching', (say) => {
    const shown: Source = {
      next: (wanted) => source.next(wanted),
      take: async (outcome) => {
        await source.take(outcome);
        const executions = shared.executions.toLocaleString('en');
        say([`${executions} executions in ${shared.units} units`, executor.about()].join(', '));
      },
    };
    return runTasks(executor, shown, abort);
  });
}

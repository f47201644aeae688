/** A sweep over sizes: each is a unit of work, done here or by the workers of a cluster. */
import { randomBytes } from 'node:crypto';
import type { SweepPoint } from '../../report/designs/schema.ts';
import type { WorkloadSize } from '../../workload/index.ts';
import { ExitCode, Failure } from '../failure.ts';
import { Cluster } from '../jobs/cluster.ts';
import { type Outcome, runTasks } from '../jobs/executor.ts';
import { InProcess } from '../jobs/in_process.ts';
import { parseResult, type Task, taskOf } from '../jobs/task.ts';
import { TaskError } from '../jobs/task_error.ts';
import { stopOnSignals } from '../signals.ts';
import { readVersion } from '../version.ts';

/**
 * @param workload the id of one that comes with ptshare
 * @param url      of the queue; without, all is done in this process
 * @throws Failure if a size could not be compared
 */
export async function sweepOver(
  workload: string,
  sizes: readonly WorkloadSize[],
  designs: readonly string[],
  url: string | undefined,
  say: (detail: string) => void,
): Promise<SweepPoint[]> {
  if (sizes.length === 0) return [];
  const version = readVersion();
  const tasks = sizes.map((size) =>
    taskOf(version, { kind: 'compare', workload, ...size, designs: [...designs] }),
  );
  const points = new Map<string, SweepPoint>();
  // A size that is asked for twice is compared once.
  const queue = new Map(tasks.map((task) => [task.id, task])).values();
  const source = {
    next: (): Task | undefined => queue.next().value,
    take: (outcome: Outcome): void => {
      points.set(outcome.id, pointOf(outcome));
      say(`${points.size} of ${sizes.length} sizes`);
    },
  };
  if (url === undefined) await runTasks(new InProcess(version), source, NEVER);
  else await runOnCluster(await Cluster.open(url, version, randomBytes(6).toString('hex')), source);
  return tasks.map(({ id }) => points.get(id)!);
}

const NEVER = new AbortController().signal;

async function runOnCluster(
  cluster: Cluster,
  source: Parameters<typeof runTasks>[1],
): Promise<void> {
  const stopping = new AbortController();
  const endOnSignal = stopOnSignals(() => stopping.abort());
  try {
    await runTasks(cluster, source, stopping.signal);
    await cluster.remove(true);
    endOnSignal();
  } finally {
    await cluster.close();
  }
}

/** @throws Failure */
function pointOf(outcome: Outcome): SweepPoint {
  const mend = 'Compare without --queue, or see what the workers say';
  if ('why' in outcome) {
    throw new Failure(ExitCode.CANNOT_RUN, `A size could not be compared: ${outcome.why}`, mend);
  }
  try {
    const result = parseResult(outcome.result);
    if (result.kind === 'compare') return result.point;
    throw new TaskError('this is not a result of a comparison');
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    const what = `What a worker said cannot be used: ${error.message}`;
    throw new Failure(ExitCode.CANNOT_RUN, what, mend);
  }
}

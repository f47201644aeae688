/** A worker of a cluster: takes tasks from the queue until it is told to stop. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { STALLED_MAX } from './executor.ts';
import { connect, HUNGRY, jobOf, PREFIX, queueNameOf, resultKey, workerKey } from './redis.ts';
import { TaskError } from './task_error.ts';
import { ThreadPool } from './threads.ts';

/** How long results wait for a coordinator that is started again. */
const RESULT_SECONDS = 7 * 24 * 3600;

export interface ServeOptions {
  readonly url: string;
  readonly version: string;
  readonly threads: number;
  /** Seconds without a sign of life after which others take over. */
  readonly leaseSeconds: number;
  /** Called when it waits for tasks. */
  readonly onReady: () => void;
  readonly onTask: (task: ServedTask) => void;
}

export interface ServedTask {
  readonly job: string;
  readonly id: string;
  readonly seconds: number;
  /** Why it could not be done, if it could not. */
  readonly why: string | undefined;
}

/** @throws Failure if there is no server */
export async function serve(options: ServeOptions, abort: AbortSignal): Promise<void> {
  const { url, version, threads, leaseSeconds, onReady } = options;
  const redis = await connect(url);
  const { UnrecoverableError, Worker } = await import('bullmq');
  const pool = new ThreadPool(version);
  const ear = redis.duplicate();
  ear.on('error', () => {});
  ear.on('message', (_, job) => pool.hurry(job));
  // A user of the server who may not is only slower.
  await ear.subscribe(HUNGRY).catch(() => 0);
  const worker = new Worker<unknown, null>(
    queueNameOf(version),
    async ({ id, data }) => {
      try {
        if (typeof data !== 'string') throw new TaskError('This is not a task');
        const result = await pool.run(data, jobOf(id!));
        await redis.set(resultKey(id!), result, 'EX', RESULT_SECONDS);
        return null;
      } catch (error) {
        // Another try would come to the same.
        if (error instanceof TaskError) throw new UnrecoverableError(error.message);
        throw error;
      }
    },
    {
      connection: redis,
      prefix: PREFIX,
      concurrency: threads,
      lockDuration: leaseSeconds * 1000,
      stalledInterval: leaseSeconds * 500,
      maxStalledCount: STALLED_MAX,
    },
  );
  const tell = (task: QueuedTask | undefined, why?: string): void => {
    if (task !== undefined) options.onTask(servedTask(task, why));
  };
  worker.on('completed', (task) => tell(task));
  worker.on('failed', (task, error) => tell(task, error.message));
  // Lost connections are made again, and damaged tasks are given up by the queue.
  worker.on('error', () => {});
  const key = workerKey(`${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`);
  const announce = (): void => {
    void redis.set(key, `${version} ${threads}`, 'EX', Math.ceil(leaseSeconds)).catch(() => {});
  };
  announce();
  onReady();
  const timer = setInterval(announce, leaseSeconds * 300);
  await new Promise<void>((resolve) => {
    abort.addEventListener('abort', () => resolve(), { once: true });
  });
  clearInterval(timer);
  await worker.close();
  await pool.close();
  ear.disconnect();
  await redis.del(key).catch(() => {});
  redis.disconnect();
}

/** What BullMQ knows of a task: its name, and when it was begun and ended, in ms. */
interface QueuedTask {
  readonly id?: string | undefined;
  readonly processedOn?: number | undefined;
  readonly finishedOn?: number | undefined;
}

function servedTask(task: QueuedTask, why: string | undefined): ServedTask {
  const { id: name = '', processedOn = 0, finishedOn = Date.now() } = task;
  const job = jobOf(name);
  return { job, id: name.slice(job.length + 1), seconds: (finishedOn - processedOn) / 1000, why };
}

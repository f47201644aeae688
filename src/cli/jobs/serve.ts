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
  readonly onTask: (done: number, failed: number) => void;
}

/** @throws Failure if there is no server */
export async function serve(options: ServeOptions, abort: AbortSignal): Promise<void> {
  const { url, version, threads, leaseSeconds, onTask } = options;
  const redis = await connect(url);
  const { UnrecoverableError, Worker } = await import('bullmq');
  const pool = new ThreadPool(version);
  const ear = redis.duplicate();
  ear.on('error', () => {});
  ear.on('message', (_, job) => pool.hurry(job));
  // A user of the server who may not is only slower.
  await ear.subscribe(HUNGRY).catch(() => 0);
  const counts = { done: 0, failed: 0 };
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
  worker.on('completed', () => onTask(++counts.done, counts.failed));
  worker.on('failed', () => onTask(counts.done, ++counts.failed));
  // Lost connections are made again, and damaged tasks are given up by the queue.
  worker.on('error', () => {});
  const key = workerKey(`${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`);
  const announce = (): void => {
    void redis.set(key, `${version} ${threads}`, 'EX', Math.ceil(leaseSeconds)).catch(() => {});
  };
  announce();
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

/** The server that a cluster meets at, and what its keys are called. */
import { Redis } from 'ioredis';
import { printable } from '../../report/printable.ts';
import { ExitCode, Failure, wrongUse } from '../failure.ts';

export const PREFIX = 'ptshare';
const CONNECT_MS = 5000;
const MEND = 'Pass redis://[:password@]host:port, or rediss:// for TLS, of a running Redis server';

/** Where a job says its name for as long as workers have nothing to do. */
export const HUNGRY = `${PREFIX}:hungry`;

/** Workers of other versions wait at other queues. */
export function queueNameOf(version: string): string {
  return `tasks-${version}`;
}

/** Of a task, whose id is a hash: unlike those of all other jobs. */
export const taskName = (job: string, id: string): string => `${job}.${id}`;
export const jobOf = (name: string): string => name.slice(0, name.lastIndexOf('.'));

export const resultKey = (jobId: string): string => `${PREFIX}:result:${jobId}`;
export const stateKey = (job: string): string => `${PREFIX}:job:${job}`;
/** Of a worker: which version it is, for as long as it is there. */
export const workerKey = (name: string): string => `${PREFIX}:worker:${name}`;

/**
 * A connection that is made again whenever it is lost.
 *
 * @throws Failure if there is no server, or it wants another password
 */
export async function connect(url: string): Promise<Redis> {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) {
    throw wrongUse('This is no address of a queue', MEND);
  }
  const first = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: CONNECT_MS,
  });
  let why = 'it does not answer';
  first.on('error', (error: Error) => {
    why = error.message;
  });
  try {
    await first.connect();
    await first.ping();
  } catch (error) {
    const reason =
      error instanceof Error && /NOAUTH|WRONGPASS/.test(error.message) ? error.message : why;
    throw new Failure(ExitCode.CANNOT_RUN, `Cannot reach the queue: ${printable(reason)}`, MEND);
  } finally {
    first.disconnect();
  }
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    retryStrategy: (n) => Math.min(n * 100, 2000),
  });
  // Lost connections are made again; commands wait for that.
  redis.on('error', () => {});
  return redis;
}

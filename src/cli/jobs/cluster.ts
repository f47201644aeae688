/**
 * Does work on a cluster: tasks go to workers through a queue of BullMQ, results come back as keys.
 *
 * A result stays until `forget()`, so that a coordinator that dies between taking it and saving
 * what came of it finds it again.
 */
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { type Executor, type Outcome, STALLED_MAX, TRIES_MAX } from './executor.ts';
import {
  connect,
  HUNGRY,
  PREFIX,
  queueNameOf,
  resultKey,
  stateKey,
  taskName,
  workerKey,
} from './redis.ts';
import { type Task, TEXT_LENGTH_MAX } from './task.ts';

/** Between two looks for results: twice as long each time there is none. */
const POLL_MS = 10;
const POLL_MS_MAX = 80;
/** How often it is asked what became of tasks without a result. */
const LOOK_MS = 1000;
const SLOTS_MIN = 4;
const SLOTS_MAX = 256;
/** Of tasks, as text, that are on the server at a time. */
const WAITING_LENGTH_MAX = 2 ** 27;

export class Cluster implements Executor {
  readonly #version: string;
  readonly #job: string;
  readonly #redis: Redis;
  readonly #queue: Queue;
  readonly #waiting = new Map<string, Task>();
  readonly #taken: string[] = [];
  #length = 0;
  #threads = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #workers: readonly string[] = [];

  /** @throws Failure if there is no server */
  static async open(url: string, version: string, job: string): Promise<Cluster> {
    const redis = await connect(url);
    const { Queue: BullQueue } = await import('bullmq');
    const queue = new BullQueue(queueNameOf(version), { connection: redis, prefix: PREFIX });
    queue.on('error', () => {});
    return new Cluster(version, job, redis, queue);
  }

  private constructor(version: string, job: string, redis: Redis, queue: Queue) {
    this.#version = version;
    this.#job = job;
    this.#redis = redis;
    this.#queue = queue;
  }

  about(): string {
    const others = this.#workers.filter((version) => version !== this.#version);
    const mine = this.#workers.length - others.length;
    const said = mine === 1 ? '1 worker' : `${mine} workers`;
    if (others.length === 0) return said;
    return `${said}; ${others.length} of another version (${[...new Set(others)].join(', ')})`;
  }

  /** Twice as many as threads of workers: while one is done, another one is there. */
  slots(): number {
    if (this.#length >= WAITING_LENGTH_MAX) return 0;
    return Math.min(Math.max(2 * this.#threads, SLOTS_MIN), SLOTS_MAX);
  }

  async submit(task: Task): Promise<void> {
    this.#waiting.set(task.id, task);
    this.#length += task.text.length;
    await this.#add(task);
  }

  async #add(task: Task): Promise<void> {
    await this.#queue.add('task', task.text, {
      jobId: this.#nameOf(task.id),
      attempts: TRIES_MAX,
      removeOnComplete: true,
    });
  }

  async outcomes(abort: AbortSignal): Promise<readonly Outcome[]> {
    for (let pause = POLL_MS; !abort.aborted; pause = Math.min(2 * pause, POLL_MS_MAX)) {
      const outcomes = [...(await this.#results()), ...(await this.#look())];
      for (const { id } of outcomes) {
        this.#length -= this.#waiting.get(id)?.text.length ?? 0;
        this.#waiting.delete(id);
      }
      if (outcomes.length > 0) return outcomes;
      if (this.#waiting.size < this.#threads) await this.#callForWork();
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    return [];
  }

  /** Whoever is at something of this job ends it then: what is left of it is for others, too. */
  async #callForWork(): Promise<void> {
    // A user of the server who may not is only slower.
    await this.#redis.publish(HUNGRY, this.#job).catch(() => 0);
  }

  /** What was saved under the name of this job, if it was. */
  async load(): Promise<string | undefined> {
    const length = await this.#redis.strlen(stateKey(this.#job));
    if (length === 0 || length > 16 * TEXT_LENGTH_MAX) return undefined;
    return (await this.#redis.get(stateKey(this.#job))) ?? undefined;
  }

  /** Saves what was made of the results up to now, which are forgotten then. */
  async save(state: string): Promise<void> {
    const taken = this.#taken.splice(0);
    await this.#redis.set(stateKey(this.#job), state);
    if (taken.length > 0) await this.#redis.del(taken);
  }

  /** Takes back what is not done, and, if the job is over, all that it has left on the server. */
  async remove(isOver: boolean): Promise<void> {
    const names = [...this.#waiting.keys()].map((id) => this.#nameOf(id));
    // One that is being done cannot be taken back: its result is removed in time.
    await Promise.all(names.map((name) => this.#queue.remove(name).catch(() => 0)));
    if (!isOver) return;
    await this.#redis.del(stateKey(this.#job));
    // Those included that a coordinator has asked for that was killed.
    for await (const keys of this.#redis.scanStream({ match: resultKey(this.#nameOf('*')) })) {
      if ((keys as string[]).length > 0) await this.#redis.del(keys as string[]);
    }
  }

  async close(): Promise<void> {
    await this.#queue.close();
    this.#redis.disconnect();
  }

  #nameOf(id: string): string {
    return taskName(this.#job, id);
  }

  async #results(): Promise<Outcome[]> {
    const ids = [...this.#waiting.keys()];
    if (ids.length === 0) return [];
    const keys = ids.map((id) => resultKey(this.#nameOf(id)));
    const results = await this.#redis.mget(keys);
    return results.flatMap((result, at) => {
      if (result === null) return [];
      this.#taken.push(keys[at]!);
      return [{ id: ids[at]!, result }];
    });
  }

  /** Finds tasks that were given up, and brings those again that the server has lost. */
  async #look(): Promise<Outcome[]> {
    if (performance.now() - this.#lookedAt < LOOK_MS) return [];
    this.#lookedAt = performance.now();
    await this.#countWorkers();
    const outcomes: Outcome[] = [];
    for (const task of this.#waiting.values()) {
      const name = this.#nameOf(task.id);
      const state = await this.#queue.getJobState(name);
      if (state === 'unknown' && !(await this.#redis.exists(resultKey(name)))) {
        await this.#add(task);
        continue;
      }
      const why = await this.#whyFailed(name, state);
      if (why === undefined) continue;
      if ((await this.#queue.remove(name)) === 0) await this.#redis.del(this.#queue.toKey(name));
      outcomes.push({ id: task.id, why });
    }
    return outcomes;
  }

  /** Read as it is: what is damaged is handed to one worker after the other, and never fails. */
  async #whyFailed(name: string, state: string): Promise<string | undefined> {
    const [why, stalls] = await this.#redis.hmget(this.#queue.toKey(name), 'failedReason', 'stc');
    if (state === 'failed') return (why ?? 'No worker could do it').slice(0, 1000);
    return Number(stalls ?? 0) > STALLED_MAX + 1 ? 'No worker came to its end' : undefined;
  }

  async #countWorkers(): Promise<void> {
    const versions: string[] = [];
    let threads = 0;
    for await (const keys of this.#redis.scanStream({ match: workerKey('*'), count: 1000 })) {
      if ((keys as string[]).length === 0) continue;
      for (const text of await this.#redis.mget(keys as string[])) {
        const [, version, count] = /^(\S{1,64}) (\d{1,4})$/.exec(text ?? '') ?? [];
        if (version === undefined) continue;
        versions.push(version);
        if (version === this.#version) threads += Number(count);
      }
    }
    this.#workers = versions;
    this.#threads = threads;
  }
}

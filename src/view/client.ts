/** Asks the worker, and waits for what it says. */

import { unpack } from '../scene/packed.ts';
import type { Picture } from '../scene/picture.ts';
import type { CallName, Calls, Reply, Request } from './protocol.ts';

/** What the worker could not do: the message says why, `mend` what to do about it. */
export class WorkerFailure extends Error {
  override readonly name = 'WorkerFailure';
  readonly mend: string;

  constructor(message: string, mend: string) {
    super(message);
    this.mend = mend;
  }
}

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: ((text: string) => void) | undefined;
}

/** What is read in the background goes on that often at least. */
const MOMENT_MS = 250;

export class Client {
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, Waiting>();
  readonly #unanswered = new Set<Promise<unknown>>();
  #asked = 0;
  #notify = (): void => {};

  /** @throws WorkerFailure through the promise */
  ask<Name extends CallName>(
    name: Name,
    ask: Calls[Name]['ask'],
    onProgress?: (text: string) => void,
  ): Promise<Calls[Name]['answer']> {
    const number = this.#asked++;
    const request: Request<Name> = { number, name, ask };
    const answer = new Promise<Calls[Name]['answer']>((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject, onProgress });
      this.start().postMessage(request);
    });
    this.#unanswered.add(answer);
    this.#notify();
    const forget = (): void => void this.#unanswered.delete(answer);
    answer.then(forget, forget);
    return answer;
  }

  /** @throws WorkerFailure through the promise */
  async picture(id: number, event: number): Promise<Picture> {
    return unpack(await this.ask('picture', { id, event }));
  }

  /** Waits until something is asked, or for a moment. */
  async asked(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#notify = resolve;
      setTimeout(resolve, MOMENT_MS);
    });
  }

  /** Waits until all is answered that was asked, or for a moment: whoever draws comes first. */
  async quiet(): Promise<void> {
    const moment = new Promise((resolve) => setTimeout(resolve, MOMENT_MS));
    await Promise.race([moment, Promise.allSettled(this.#unanswered)]);
  }

  /** Waits until what was answered is on the screen, or for a moment: nobody may look at it. */
  async painted(): Promise<void> {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, MOMENT_MS);
      // The first frame may come before the answer is drawn.
      requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve)));
    });
  }

  /** Ends whatever is under way, with all that the worker keeps. The next call starts afresh. */
  stop(): void {
    this.#worker?.terminate();
    this.#fail('It was stopped', '');
  }

  /** Gets the worker ready, which takes a while, before anything is asked. */
  start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#receive(data);
    worker.onerror = ({ message }) =>
      this.#fail(`The worker ended: ${message || 'it ran out of memory'}`, 'Open a smaller file');
    this.#worker = worker;
    return worker;
  }

  #receive(reply: Reply): void {
    const waiting = this.#waiting.get(reply.number);
    if (waiting === undefined) return;
    if (reply.kind === 'progress') {
      waiting.onProgress?.(reply.text);
      return;
    }
    this.#waiting.delete(reply.number);
    if (reply.kind === 'answer') waiting.resolve(reply.answer as never);
    else waiting.reject(new WorkerFailure(reply.message, reply.mend));
  }

  #fail(message: string, mend: string): void {
    this.#worker = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new WorkerFailure(message, mend));
  }
}

/** Reads all chosen processes, as long as the budget lasts, and counts what came of it. */
import { ProcSyntaxError } from '../proc/syntax.ts';
import type { Mm } from '../snapshot/records.ts';
import { BudgetSpent } from './pacer.ts';
import { obstacleOf } from './proc_files.ts';
import { type Reading, readProcess, statusRecord } from './process_reader.ts';
import type { ProcessEntry } from './processes.ts';

/** @param label the process that was read last, or what else is being done */
export type Progress = (done: number, total: number, label: string) => void;

export interface Outcome {
  readonly mms: readonly Mm[];
  /** Recorded by their status because their tables are someone else's. */
  readonly denied: number;
  /** Recorded by their status because of a file in an unknown form: what is wrong with each. */
  readonly misunderstood: readonly string[];
  readonly vanished: number;
  /** Recorded as sharers of another record. */
  readonly sharedMm: number;
  /** Recorded by their status for want of time. */
  readonly unread: number;
}

/** @param entries in the order to read them */
export async function readAll(
  entries: readonly ProcessEntry[],
  reading: Reading,
  onProgress: Progress | undefined,
): Promise<Outcome> {
  const tally = new Tally(reading);
  for (const [index, entry] of entries.entries()) {
    await tally.read(entry);
    onProgress?.(index + 1, entries.length, `${entry.status.name} (${entry.status.pid})`);
    reading.pacer.throwIfAborted();
    if (reading.pacer.isDue) await reading.pacer.pause();
  }
  return tally.outcome();
}

class Tally {
  readonly #reading: Reading;
  readonly #mms = new Map<number, Mm>();
  readonly #sharers = new Map<number, number[]>();
  readonly #misunderstood: string[] = [];
  #denied = 0;
  #vanished = 0;
  #unread = 0;

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  async read(entry: ProcessEntry): Promise<void> {
    if (this.#reading.pacer.isBudgetSpent) {
      this.#unread++;
      this.#recordStatus(entry);
      return;
    }
    try {
      const read = await readProcess(entry, this.#reading);
      if ('mm' in read) this.#mms.set(read.mm.pid, read.mm);
      else this.#share(read.sharesWith, entry);
    } catch (error) {
      this.#settle(entry, error);
    }
  }

  outcome(): Outcome {
    const sharers = [...this.#sharers.values()];
    return {
      mms: [...this.#mms.values()].map((mm) => ({
        ...mm,
        sharers: this.#sharers.get(mm.pid) ?? [],
      })),
      denied: this.#denied,
      misunderstood: this.#misunderstood,
      vanished: this.#vanished,
      sharedMm: sharers.reduce((sum, pids) => sum + pids.length, 0),
      unread: this.#unread,
    };
  }

  #share(owner: number, entry: ProcessEntry): void {
    if (!this.#mms.has(owner)) {
      // The owner ended while it was read, and nobody else may have been told its tables.
      this.#unread++;
      this.#recordStatus(entry);
      return;
    }
    const pids = this.#sharers.get(owner) ?? [];
    pids.push(entry.status.pid);
    this.#sharers.set(owner, pids);
  }

  /** @throws `error` if no process can be blamed for it */
  #settle(entry: ProcessEntry, error: unknown): void {
    const obstacle = obstacleOf(error);
    if (obstacle === 'vanished') {
      this.#vanished++;
      return;
    }
    if (obstacle === 'denied') this.#denied++;
    else if (error instanceof BudgetSpent) this.#unread++;
    else if (error instanceof ProcSyntaxError) this.#misunderstood.push(error.message);
    else throw error;
    this.#recordStatus(entry);
  }

  #recordStatus(entry: ProcessEntry): void {
    this.#mms.set(entry.status.pid, statusRecord(entry, this.#reading.files));
  }
}

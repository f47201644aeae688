/** The open descriptors of a process. Without calls that open them, -y says what they stand for. */
import type * as engine from '../mm/index.ts';
import type { Host } from './host.ts';
import { LIMITS } from './limits.ts';
import { ReplayError } from './replay_error.ts';
import type { DescriptorText } from './strace/values.ts';

interface Opened {
  readonly file: engine.OpenFile;
  readonly path: string;
  /** Descriptors that stand for it. */
  count: number;
}

interface Descriptor {
  readonly opened: Opened;
  isClosedByExec: boolean;
}

const ALL = { isReadable: true, isWritable: true } as const;
/** Of a descriptor of which nothing is known but that it was mapped. */
const UNKNOWN_PATH = '/?';

export class Files {
  readonly #host: Host;
  readonly #open = new Map<number, Descriptor>();
  /** Threads that use this table. */
  holders = 1;

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * What a descriptor stands for.
   *
   * @param isOpen whether the kernel found it open
   */
  find({ number, path }: DescriptorText, isOpen: boolean): engine.OpenFile | undefined {
    const known = this.#open.get(number)?.opened;
    if (known !== undefined && (path === undefined || known.path === path)) return known.file;
    if (number < 0 || !isOpen) return undefined;
    this.open(number, this.#host.open(path ?? UNKNOWN_PATH, ALL), path ?? UNKNOWN_PATH, false);
    return this.#open.get(number)?.opened.file;
  }

  /** Of what a descriptor stands for, as far as that is known. */
  pathOf(number: number): string | undefined {
    return this.#open.get(number)?.opened.path;
  }

  /** Takes `file` over. @throws ReplayError */
  open(number: number, file: engine.OpenFile, path: string, isClosedByExec: boolean): void {
    this.#put(number, { opened: { file, path, count: 0 }, isClosedByExec });
  }

  duplicate(from: DescriptorText, to: number, isClosedByExec: boolean): void {
    if (from.number === to || this.find(from, true) === undefined) return;
    this.#put(to, { opened: this.#open.get(from.number)!.opened, isClosedByExec });
  }

  closeByExec(number: number, isClosedByExec: boolean): void {
    const descriptor = this.#open.get(number);
    if (descriptor !== undefined) descriptor.isClosedByExec = isClosedByExec;
  }

  /** Closes a range. */
  close(first: number, last: number = first): void {
    const numbers = first === last ? [first] : [...this.#open.keys()];
    for (const number of numbers) {
      if (number >= first && number <= last) this.#close(number);
    }
  }

  /** Those of a child: the same open files. */
  copy(): Files {
    const files = new Files(this.#host);
    for (const [number, descriptor] of this.#open) files.#put(number, { ...descriptor });
    return files;
  }

  exec(): void {
    for (const [number, { isClosedByExec }] of [...this.#open]) {
      if (isClosedByExec) this.#close(number);
    }
  }

  /** A thread leaves; with the last one everything is closed. */
  leave(): void {
    if (--this.holders === 0) this.close(0, Number.POSITIVE_INFINITY);
  }

  #put(number: number, descriptor: Descriptor): void {
    if (number < 0) return;
    if (this.#open.size >= LIMITS.descriptors) {
      throw new ReplayError(0, 'A process has too many open files', 'Record with -e trace=%memory');
    }
    descriptor.opened.count++;
    this.#close(number);
    this.#open.set(number, descriptor);
  }

  #close(number: number): void {
    const descriptor = this.#open.get(number);
    if (descriptor === undefined) return;
    this.#open.delete(number);
    if (--descriptor.opened.count === 0) this.#host.close(descriptor.opened.file);
  }
}

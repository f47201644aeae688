/** Descriptors of userfaultfd(2), apart from those of files: all processes of a script have the same. */
import type { Machine, Userfaultfd } from '../mm/index.ts';
import { EMFILE } from '../uapi/errno.ts';

/** Above those of files. */
const FIRST = 1000;
const MAX = 16;

export class Userfaultfds {
  /** By number: a machine that goes back to an earlier state has other objects. */
  readonly #open = new Map<number, number>();

  get({ userfaultfds }: Machine, descriptor: number): Userfaultfd | undefined {
    const id = this.#open.get(descriptor);
    return id === undefined ? undefined : userfaultfds.find(id);
  }

  /** @returns the descriptor, or EMFILE */
  add({ id }: Userfaultfd): number {
    let descriptor = FIRST;
    while (this.#open.has(descriptor)) descriptor++;
    if (descriptor >= FIRST + MAX) return EMFILE;
    this.#open.set(descriptor, id);
    return descriptor;
  }

  remove(descriptor: number): void {
    this.#open.delete(descriptor);
  }
}

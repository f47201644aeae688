/**
 * Which folios are allocated, followed through a trace. Kept in parts that copies share until they are
 * written to: a host has millions of frames, and a step touches few.
 */
import { SceneError } from './scene_error.ts';

const PART = 4096;
/** 64 MiB. */
const PARTS_MAX = 2 ** 14;
/** A folio has at most so many frames, as a power of two. */
const ORDER_MAX = 18;

interface Part {
  /** Order of the folio that begins there, plus one; 0 for none. */
  readonly orders: Uint8Array;
  readonly generation: number;
}

export class Folios {
  #parts = new Map<number, Part>();
  #isOwn = true;
  #generation = 0;

  copy(): Folios {
    const copy = new Folios();
    this.#generation++;
    this.#isOwn = false;
    copy.#parts = this.#parts;
    copy.#isOwn = false;
    copy.#generation = this.#generation;
    return copy;
  }

  /** @throws SceneError if a trace has more frames than can be shown */
  alloc(frame: number, order: number): void {
    this.#set(frame, Math.min(order, ORDER_MAX) + 1);
  }

  free(frame: number): void {
    if (this.orderOf(frame) >= 0) this.#set(frame, 0);
  }

  /** Of the folio that begins with `frame`; -1 if none does. */
  orderOf(frame: number): number {
    const part = this.#parts.get(Math.floor(frame / PART));
    return part === undefined ? -1 : part.orders[frame % PART]! - 1;
  }

  /** Whether `frame` is in a folio. */
  has(frame: number): boolean {
    for (let order = 0; order <= ORDER_MAX; order++) {
      const head = frame - (frame % 2 ** order);
      if (frame < head + 2 ** this.orderOf(head) && this.orderOf(head) >= 0) return true;
    }
    return false;
  }

  /** First frames of the folios with the lowest numbers. */
  first(count: number): number[] {
    const found: number[] = [];
    for (const number of [...this.#parts.keys()].sort((one, other) => one - other)) {
      const { orders } = this.#parts.get(number)!;
      for (let at = 0; at < PART && found.length < count; at++) {
        if (orders[at] !== 0) found.push(number * PART + at);
      }
    }
    return found;
  }

  #set(frame: number, value: number): void {
    if (frame < 0) return;
    const number = Math.floor(frame / PART);
    let part = this.#parts.get(number);
    if (part?.generation !== this.#generation) {
      if (part === undefined && this.#parts.size >= PARTS_MAX) {
        throw new SceneError(
          'This trace has frames in more places than can be shown',
          'Record a run with less memory',
        );
      }
      const orders = part === undefined ? new Uint8Array(PART) : part.orders.slice();
      part = { orders, generation: this.#generation };
      if (!this.#isOwn) this.#parts = new Map(this.#parts);
      this.#isOwn = true;
      this.#parts.set(number, part);
    }
    part.orders[frame % PART] = value;
  }
}

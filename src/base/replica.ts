/** A copy of an object graph that is brought back, in the same objects, as often as is wanted. */
import { cloneGraph } from './clone_graph.ts';

/** Brings an object back to what it was; whether it could. */
type Reset = () => boolean;

/**
 * Writing what has changed to objects that are there is many times faster than making them anew,
 * and leaves nothing to be collected. As for `cloneGraph()`, there are no private members.
 */
export class Replica<T extends object> {
  readonly root: T;
  readonly #resets: Reset[] = [];

  constructor(of: T) {
    this.root = cloneGraph(of);
    this.#add(this.root, new Set());
  }

  /** @returns whether all is as it was: not if an object has got or lost a property */
  reset(): boolean {
    const resets = this.#resets;
    for (let at = 0; at < resets.length; at++) if (!resets[at]!()) return false;
    return true;
  }

  #add(value: unknown, known: Set<object>): void {
    if (typeof value !== 'object' || value === null || known.has(value)) return;
    known.add(value);
    const [reset, parts] = resetOf(value);
    this.#resets.push(reset);
    for (const part of parts) this.#add(part, known);
  }
}

/** How to bring `value` back, and what it refers to. */
function resetOf(value: object): readonly [Reset, readonly unknown[]] {
  if (ArrayBuffer.isView(value)) return [resetOfWords(value as Int32Array), []];
  if (Array.isArray(value)) return [resetOfArray(value), [...value]];
  if (value instanceof Map) return [resetOfMap(value), [...value.keys(), ...value.values()]];
  if (value instanceof Set) return [resetOfSet(value), [...value]];
  return [resetOfObject(value as Record<string, unknown>), Object.values(value)];
}

function resetOfObject(object: Record<string, unknown>): Reset {
  const keys = Object.keys(object);
  const values = Object.values(object);
  return () => {
    let at = 0;
    for (const key in object) {
      if (key !== keys[at]) return false;
      const value = values[at++];
      // A property that never changes is a constant to the compiler, unless it is written to.
      if (object[key] !== value) object[key] = value;
    }
    return at === keys.length;
  };
}

function resetOfWords(words: Int32Array): Reset {
  const saved = words.slice();
  return () => {
    words.set(saved);
    return true;
  };
}

function resetOfArray(items: unknown[]): Reset {
  const saved = items.slice();
  return () => {
    // Setting it is slow.
    if (items.length !== saved.length) items.length = saved.length;
    for (let at = 0; at < saved.length; at++) items[at] = saved[at];
    return true;
  };
}

function resetOfMap(map: Map<unknown, unknown>): Reset {
  const saved = [...map];
  return () => {
    map.clear();
    for (const [key, value] of saved) map.set(key, value);
    return true;
  };
}

function resetOfSet(set: Set<unknown>): Reset {
  const saved = [...set];
  return () => {
    set.clear();
    for (const item of saved) set.add(item);
    return true;
  };
}

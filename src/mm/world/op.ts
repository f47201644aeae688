/**
 * An operation of the kernel: it suspends where another CPU may run.
 *
 * `yield point;` stands right before the one shared access that it announces; operations are called
 * with `yield*`. This file is the canonical build, which is explored. `tools/blank.mjs` erases those
 * words, and `op.fast.ts` takes this file's place: then an operation is a plain function.
 */
import type { Point } from './point.ts';

export type Op<T> = Generator<Point, T, void>;

/** Limits of a process that decide what it may map, as setrlimit(2) and prlimit(2) set them. */
import type * as engine from '../mm/index.ts';
import { PAGE_BYTES } from '../uapi/mman.ts';
import { LineError } from './replay_error.ts';
import { numberOf } from './strace/values.ts';

/** In bytes; none without. */
export interface ResourceLimits {
  addressSpace?: number | undefined;
  data?: number | undefined;
}

const KINDS: ReadonlyMap<string, keyof ResourceLimits> = new Map([
  ['RLIMIT_AS', 'addressSpace'],
  ['RLIMIT_DATA', 'data'],
]);
const CURRENT = /\brlim_cur=([A-Z0-9_]+)(?:\*(\d{1,10}))?/;
/** What execve(2) makes; calls do not show it. */
const STACK_BYTES = 33 * PAGE_BYTES;

/** Notes a call that succeeded. @returns whether it changes what may be mapped. @throws LineError */
export function noteLimit(limits: ResourceLimits, resource: string, text: string): boolean {
  const kind = KINDS.get(resource);
  if (kind === undefined || text === 'NULL') return false;
  const [, value, factor = '1'] = CURRENT.exec(text) ?? [];
  if (value === undefined) throw new LineError('a limit is expected');
  limits[kind] = value.endsWith('INFINITY') ? undefined : numberOf(value) * Number(factor);
  return true;
}

/** @param hasStack whether the stack is among what is mapped */
export function limitedLayout(
  layout: engine.Layout,
  { addressSpace, data }: ResourceLimits,
  hasStack: boolean,
): engine.Layout {
  const { addressSpaceLimit: _, dataLimit: __, ...rest } = layout;
  const seen = addressSpace === undefined ? undefined : addressSpace - (hasStack ? 0 : STACK_BYTES);
  return {
    ...rest,
    ...(seen !== undefined && { addressSpaceLimit: Math.max(0, seen) }),
    ...(data !== undefined && { dataLimit: data }),
  };
}

/** All calls that a script can make. */
import { FILE_CALLS } from './file.ts';
import { helpCall } from './help.ts';
import { LOOKING_CALLS } from './looking.ts';
import { MEMORY_CALLS } from './memory.ts';
import { MSHARE_CALLS } from './mshare.ts';
import { PROCESS_CALLS } from './process.ts';
import type { CallSpec } from './spec.ts';
import { TOUCH_CALLS } from './touch.ts';
import { UFFD_CALLS } from './uffd.ts';

const ALL = [
  ...MEMORY_CALLS,
  ...FILE_CALLS,
  ...MSHARE_CALLS,
  ...UFFD_CALLS,
  ...TOUCH_CALLS,
  ...PROCESS_CALLS,
  ...LOOKING_CALLS,
  helpCall(() => CALLS),
] as const;

export const CALLS: readonly CallSpec[] = ALL;
export type CallName = (typeof ALL)[number]['name'];

const BY_NAME = new Map(CALLS.map((spec) => [spec.name, spec]));

export function callNamed(name: string): CallSpec | undefined {
  return BY_NAME.get(name);
}

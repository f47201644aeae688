/** Who makes calls. */
import type { Files } from './files.ts';
import type { ResourceLimits } from './resource_limits.ts';
import type { Space } from './space.ts';

/** A call that has begun, but not returned. */
export interface Pending {
  readonly name: string;
  /** What is known of its arguments. */
  readonly text: string;
  readonly line: number;
}

export interface Thread {
  pid: number;
  /** Who made its process; 0 if that was not recorded. */
  readonly parent: number;
  /** Whether its process has another thread, which was there before it. */
  readonly isFurther: boolean;
  /** `undefined` if it was there before the recording. */
  space: Space | undefined;
  files: Files;
  /** Those of its process. */
  readonly limits: ResourceLimits;
  /** Where relative paths start, as far as calls have shown. */
  directory: string | undefined;
  pending: Pending | undefined;
}

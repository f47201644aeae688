/** Workloads that come with ptshare. */
import { containers } from './containers.ts';
import { database } from './database.ts';
import { forkServer, snapshotStore, zygote } from './forking.ts';
import { postCopyGuest } from './post_copy/guest.ts';
import type { Workload } from './workload.ts';

export {
  COLLAPSE_COST,
  type Collapse,
  collapse,
  type PostCopyDesign,
  tablesOf,
} from './post_copy/collapse.ts';
export { POST_COPY_DESIGNS, postCopyGuest } from './post_copy/guest.ts';
export {
  HGM_GUEST,
  type PostCopy,
  type PostCopyResult,
  postCopy,
} from './post_copy/post_copy.ts';
export type { Workload, WorkloadSize } from './workload.ts';

export const WORKLOADS: readonly Workload[] = [
  database,
  forkServer,
  zygote,
  containers,
  snapshotStore,
];

/** What can be compared by name, hosts or not. */
export const NAMED: readonly Omit<Workload, 'host'>[] = [
  ...WORKLOADS.map(({ host: _, ...described }) => described),
  postCopyGuest,
];

/** Workloads that come with ptshare. */
import { containers } from './containers.ts';
import { database } from './database.ts';
import { forkServer, snapshotStore, zygote } from './forking.ts';
import type { Workload } from './workload.ts';

export { HGM_GUEST, type PostCopy, type PostCopyResult, postCopy } from './post_copy.ts';
export type { Workload, WorkloadSize } from './workload.ts';

export const WORKLOADS: readonly Workload[] = [
  database,
  forkServer,
  zygote,
  containers,
  snapshotStore,
];

/** What a workload is: a host of any number of processes and any size, made by rule. */
import type { HostSnapshot } from '../snapshot/records.ts';

export interface WorkloadSize {
  readonly processes: number;
  /** Of what the processes have in common; rounded up to 2 MiB. */
  readonly bytes: number;
}

export interface Workload {
  readonly id: string;
  readonly title: string;
  /** What runs, and what of it is common, in sentences. */
  readonly story: string;
  /** What `processes` and `bytes` count. */
  readonly processesAre: string;
  readonly bytesAre: string;
  readonly usual: WorkloadSize;
  /** More would not fit between what else is mapped. */
  readonly bytesMax: number;
  readonly host: (size: WorkloadSize) => HostSnapshot;
}

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

/** Base pages of `bytes`, in whole PTE tables. */
export function wholeTables(bytes: number): number {
  return Math.ceil(bytes / (2 * MIB)) * 512;
}

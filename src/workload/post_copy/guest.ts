/** A guest that is migrated as a workload, and what it is compared under. */
import type { Workload } from '../workload.ts';
import type { PostCopyDesign } from './collapse.ts';
import { HGM_GUEST } from './post_copy.ts';

const [KIB, MIB, GIB] = [2 ** 10, 2 ** 20, 2 ** 30];

const GRANULAR = { pageBytes: GIB, pieceBytes: 4 * KIB } as const;

/** The pages of the guest, and of what size they are fetched. */
export const POST_COPY_DESIGNS: readonly PostCopyDesign[] = [
  { id: 'hugetlb-1g', title: 'hugetlb 1 GiB pages, whole', pageBytes: GIB, pieceBytes: GIB },
  {
    id: 'hugetlb-2m',
    title: 'hugetlb 2 MiB pages, whole',
    pageBytes: 2 * MIB,
    pieceBytes: 2 * MIB,
  },
  {
    id: 'hgm-rfc-v1',
    title: '1 GiB pages in pieces of 4 KiB, counted by whole pages that are mapped',
    counting: 'top',
    ...GRANULAR,
  },
  {
    id: 'hgm-v1',
    title: '1 GiB pages in pieces of 4 KiB, counted by entries',
    counting: 'entries',
    ...GRANULAR,
  },
  {
    id: 'hgm-v2',
    title: '1 GiB pages in pieces of 4 KiB, counted at each small page',
    counting: 'subpages',
    ...GRANULAR,
  },
];

/** As other workloads are described; what it is made of is no host. */
export const postCopyGuest: Omit<Workload, 'host'> = {
  id: 'post-copy-guest',
  title: 'A guest that runs on its new host before its memory is there',
  story:
    'Post-copy migration: what a vCPU touches that is missing is fetched over the link, and the vCPU ' +
    'waits; the rest follows in its order. With high-granularity mapping, pages of 1 GiB are fetched ' +
    'and mapped 4 KiB at a time, and collapsed at the end.',
  processesAre: 'vCPUs',
  bytesAre: "the guest's memory",
  usual: { processes: HGM_GUEST.vcpus, bytes: HGM_GUEST.guestBytes },
  bytesMax: 8 * GIB,
};

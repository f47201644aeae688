/** Other shared memory: memfds, tmpfs files, shared anonymous mappings of programs not known here. */
import { groupBy } from '../../base/group_by.ts';
import { type Adviser, COMPARE_STEP, hugetlbSaving, POOL_CAVEAT, poolSteps } from './adviser.ts';

export const adviseShmem: Adviser = (input) =>
  [...groupBy(input.candidates, ({ group }) => group)].map(([group, owned]) => {
    const segments = owned.map(({ segment }) => segment);
    return {
      segments,
      entry: {
        id: `shmem-hugetlb:${group}`,
        title: `Put the shared memory of ${group} into huge pages`,
        appliesTo: group,
        design: 'hugetlb-2m',
        savesBytes: hugetlbSaving(input, segments),
        why: 'Every process that maps the memory has its own page tables for what it touches',
        steps: [
          ...poolSteps(input, segments),
          {
            text: 'Map it with MAP_HUGETLB, memfd_create(MFD_HUGETLB) or a file on hugetlbfs: an option of the program, or a change to it',
          },
          {
            text: 'Where that cannot be had, transparent huge pages for shmem save nearly as much, if memory is not fragmented; the program must ask with MADV_HUGEPAGE',
            command: 'echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled',
          },
          COMPARE_STEP,
        ],
        caveats: [POOL_CAVEAT],
      },
    };
  });

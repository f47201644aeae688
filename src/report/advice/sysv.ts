/** SysV shared memory: Oracle, Db2, SAP and whatever else calls shmget. */
import { groupBy } from '../../base/group_by.ts';
import {
  type Adviser,
  COMPARE_STEP,
  hugetlbSaving,
  POOL_CAVEAT,
  poolSteps,
  type Step,
} from './adviser.ts';

export const adviseSysv: Adviser = (input) => {
  const { objects } = input.twin.snapshot;
  const sysv = input.candidates.filter(({ segment }) => objects[segment.object]!.kind === 'sysv');
  return [...groupBy(sysv, ({ group }) => group)].map(([group, owned]) => {
    const segments = owned.map(({ segment }) => segment);
    const isOracle = /^(oracle|ora_)/.test(group);
    return {
      segments,
      entry: {
        id: `sysv-hugetlb:${group}`,
        title: `Put the SysV shared memory of ${group} into huge pages`,
        appliesTo: group,
        design: 'hugetlb-2m',
        savesBytes: hugetlbSaving(input, segments),
        why: 'Every process that attaches the segment builds page tables for all of it',
        steps: [
          ...poolSteps(input, segments),
          {
            text: 'Let the group of the server use them: its numeric gid',
            command: 'sysctl -w vm.hugetlb_shm_group=GID',
          },
          {
            text: 'Let it lock that much memory: memlock in /etc/security/limits.d, or LimitMEMLOCK=infinity in its unit',
          },
          isOracle ? ORACLE_STEP : SHMGET_STEP,
          { text: 'Restart the server, so that the segment is created again' },
          COMPARE_STEP,
        ],
        caveats: [POOL_CAVEAT, 'Segments that exist stay as they are until they are created again'],
      },
    };
  });
};

const ORACLE_STEP: Step = {
  text: 'Refuse to start without huge pages (automatic memory management, MEMORY_TARGET, must be off)',
  command: 'ALTER SYSTEM SET use_large_pages=ONLY SCOPE=SPFILE;',
};

const SHMGET_STEP: Step = {
  text: 'Switch on the large-page option of the server: it must call shmget with SHM_HUGETLB',
};

/** PostgreSQL: `huge_pages`. */
import {
  type Adviser,
  type AdviserInput,
  type Candidate,
  COMPARE_STEP,
  hugetlbSaving,
  POOL_CAVEAT,
  poolSteps,
} from './adviser.ts';

export const advisePostgres: Adviser = (input) => {
  const owned = input.candidates.filter((candidate) => isPostgres(input, candidate));
  if (owned.length === 0) return [];
  const segments = owned.map(({ segment }) => segment);
  return [
    {
      segments,
      entry: {
        id: 'postgres-huge-pages',
        title: 'Put the shared buffers of PostgreSQL into huge pages',
        appliesTo: owned[0]!.group,
        design: 'hugetlb-2m',
        savesBytes: hugetlbSaving(input, segments),
        why: 'Every backend has its own page tables for the whole of shared_buffers, and fills them as it touches buffers',
        steps: [
          {
            text: 'Ask the server how many huge pages it wants (PostgreSQL 15 or newer, server stopped)',
            command: 'postgres -D "$PGDATA" -C shared_memory_size_in_huge_pages',
          },
          ...poolSteps(input, segments),
          {
            text: 'Refuse to start without huge pages, so that the saving is never lost unseen',
            command: `psql -c "ALTER SYSTEM SET huge_pages = 'on'"`,
          },
          { text: 'Restart the server', command: 'systemctl restart postgresql' },
          COMPARE_STEP,
        ],
        caveats: [
          POOL_CAVEAT,
          'With huge_pages = on and too small a pool the server does not start',
          'huge_page_size other than the default needs a pool of that size',
        ],
      },
    },
  ];
};

function isPostgres({ twin }: AdviserInput, { segment }: Candidate): boolean {
  return segment.mms.some((index) => {
    const { comm, commandLine } = twin.snapshot.mms[index]!;
    return /^(postgres|postmaster)/.test(comm) || /(^|\/)postgres(:|\s|$)/.test(commandLine);
  });
}

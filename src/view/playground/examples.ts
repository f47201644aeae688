/** What one can begin with. */
import type { Draft } from './draft.ts';

export interface Example extends Draft {
  readonly title: string;
}

const format = 'x86_64-4level';

export const EXAMPLES: readonly Example[] = [
  {
    title: 'munmap against a store',
    format,
    bugs: ['pagesFreedBeforeFlush'],
    text: `# One page, written to before the race.
a = mmap(NULL, 4*K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
store(a, 1)

cpu 0:
munmap(a, 4*K)

cpu 1:
store(a, 7)        # may go through a translation that is stale by now
`,
  },
  {
    title: 'munmap against mmap of the same page',
    format,
    bugs: ['unlockedBeforeFlush'],
    text: `a = mmap(NULL, 4*K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
store(a, 1)

cpu 0:
munmap(a, 4*K)

cpu 1:
b = mmap(a, 4*K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED_NOREPLACE, -1, 0)
given(b, a)         # it was free: go on
store(a, 9)
expect(load(a), 9)  # whoever has mapped it reads what it has written
`,
  },
  {
    title: 'two faults on one page',
    format,
    bugs: ['noRecheckUnderPageTableLock'],
    text: `a = mmap(NULL, 8*K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
store(a + 4*K, 1)   # its table is there

cpu 0:
store(a, 5)

cpu 1:
store(a, 7)
`,
  },
  {
    title: 'fork, step by step (no race)',
    format,
    bugs: [],
    text: `# Copy on write: fork() copies page tables, not pages.
a = mmap(NULL, 4*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)
write(a, 64*K)
child = fork()
as(child)
write(a, 16*K)      # each of these pages is copied
munmap(a + 32*K, 8*K)
`,
  },
  {
    title: 'shared memory of three processes (no race)',
    format,
    bugs: [],
    text: `# One page each, but a page table for each process that maps it.
f = memfd_create("buffers")
ftruncate(f, 4*M)
a = mmap(NULL, 4*M, PROT_READ|PROT_WRITE, MAP_SHARED, f)
write(a, 128*K)
one = fork()
two = fork()
as(one); read(a, 64*K)
as(two); read(a, 64*K)
`,
  },
];

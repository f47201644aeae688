/** What one can begin with. */
import { CPUS_USUAL, type Draft, NO_DESIGN } from './draft.ts';

export interface Example extends Draft {
  readonly title: string;
}

const plain = { format: 'x86_64-4level', bugs: [], design: NO_DESIGN, cpus: CPUS_USUAL } as const;

export const EXAMPLES: readonly Example[] = [
  {
    title: 'munmap against a store',
    ...plain,
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
    ...plain,
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
    ...plain,
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
    ...plain,
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
    ...plain,
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
  {
    title: 'the same with the shared tables of 2006 (no race)',
    ...plain,
    design: '2006',
    text: `# All of the table is mapped by each: who faults last is given that of the others.
f = memfd_create("buffers")
ftruncate(f, 4*M)
a = mmap(0x40000000, 4*M, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_FIXED, f)
write(a, 128*K)
one = fork()
two = fork()
as(one); read(a, 4*K)
as(two); read(a, 4*K)
mprotect(a, 4*K, PROT_READ)   # who changes its rights leaves the shared table first
`,
  },
  {
    title: 'fork with shared tables: on-demand-fork (no race)',
    ...plain,
    design: 'on-demand-fork',
    text: `# fork() copies no entry: both have the table until one of them writes.
a = mmap(0x40000000, 4*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED)
write(a, 64*K)
child = fork()
as(child)
read(a, 16*K)
write(a, 4*K)       # the table is copied, and then the page
`,
  },
  {
    title: 'a region of mshare, attached twice (no race)',
    ...plain,
    design: 'mshare-v3',
    text: `# A process gets the tables of a region by one entry of its root.
region = mshare_open("buffers")
ftruncate(region, 512*G)
mshare_create(region, 0, 4*M)
a = mmap(NULL, 512*G, PROT_READ|PROT_WRITE, MAP_SHARED, region)
write(a, 64*K)
child = fork()
as(child)
read(a, 64*K)       # one fault, which links; nothing is to be filled
`,
  },
  {
    title: 'reclaim against a load of a process that shares the table',
    ...plain,
    design: '2006-posted',
    text: `# Two processes with one table for the file, as posted in May 2006. Its fixed run is as reviewed.
f = memfd_create("buffers")
ftruncate(f, 2*M)
a = mmap(0x40000000, 2*M, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_FIXED, f)
store(a, 1)
child = fork()
as(child); load(a); as(1)

cpu 0, process 1:
madvise(a, 4*K, MADV_PAGEOUT)

cpu 1, process 2:
load(a)
`,
  },
];

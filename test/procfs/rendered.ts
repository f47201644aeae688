/** A scenario whose memory can be counted by hand, rendered as /proc. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ptshare } from '../command_line.ts';

/**
 * Process 1 has 512 private pages, two huge ones, 24 pages of heap, 128 of a memfd and 64 of a file.
 * Its child has the same, but one private page that it unmapped, and of the memfd only 16 that it
 * touched, and none of the file. 16 private pages it has written to: they are its own.
 */
export const SCRIPT = `
a = mmap(NULL, 4*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS)
write(a, 2*M)
h = mmap(NULL, 4*M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS)
madvise(h, 4*M, MADV_HUGEPAGE)
write(h, 4*M)
fd = memfd_create("shared")
ftruncate(fd, 1*M)
s = mmap(NULL, 1*M, PROT_READ|PROT_WRITE, MAP_SHARED, fd)
write(s, 512*K)
f = open("/data/file", O_RDWR|O_CREAT)
pwrite(f, 256*K)
m = mmap(NULL, 256*K, PROT_READ, MAP_SHARED, f)
read(m, 256*K)
b = brk(NULL)
brk(b + 256*K)
write(b, 96*K)
child = fork()
as(child); munmap(a + 1*M, 4*K); write(a, 64*K); write(s, 64*K)
`;

const KIB = 4;
/** Pages. */
export const HEAP = 24;
const COMMON = 512 - 16 - 1 + 1024 + HEAP + 16;
const SIZES = 1024 + 1024 + 256 + 64 + 64;

/** In kB. */
export const EXPECTED = [
  {
    pid: 1,
    size: SIZES * KIB,
    rss: (512 + 1024 + HEAP + 128 + 64) * KIB,
    shared: (128 + 64) * KIB,
    uss: (16 + 1 + 112 + 64) * KIB,
    pss: (16 + 1 + 112 + 64 + COMMON / 2) * KIB,
    anonymous: (512 + 1024 + HEAP) * KIB,
  },
  {
    pid: 2,
    size: (SIZES - 1) * KIB,
    rss: (511 + 1024 + HEAP + 16) * KIB,
    shared: 16 * KIB,
    uss: 16 * KIB,
    pss: (16 + COMMON / 2) * KIB,
    anonymous: (511 + 1024 + HEAP) * KIB,
  },
] as const;

/** Of the machine: pages by what they are. */
export const PAGES = {
  anonymous: 512 + 1024 + HEAP + 16,
  huge: 1024,
  memfd: 128,
  file: 64,
} as const;

export const MEMORY_KIB = 1024 * 1024;

/** Calls `body` with a folder that has a scenario and its /proc, by name. */
export async function withRendered(
  body: (paths: {
    readonly proc: string;
    readonly script: string;
    readonly folder: string;
  }) => void | Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-proc-'));
  const script = join(folder, 'script.txt');
  const proc = join(folder, 'proc');
  try {
    writeFileSync(script, SCRIPT);
    const { status, stderr } = ptshare(['run', script, '--proc', proc]);
    if (status !== 0) throw new Error(stderr);
    await body({ proc, script, folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

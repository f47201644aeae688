/** Facts of this host, for recordings that were made on it. */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { HostFacts, HugePages, Mount } from '../../replay/index.ts';

const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;
/** What program headers and the path of the linker are within. */
const PROGRAM_BYTES = 2 ** 16;
const HUGE_KIB = 2048;
const GIGANTIC_KIB = 2 ** 20;
const MAP_COUNT_DEFAULT = 65530;

export function hostFacts(): HostFacts {
  return {
    memoryBytes: totalmem() + swapBytes(),
    mapCountMax: Number(textOf('/proc/sys/vm/max_map_count')) || MAP_COUNT_DEFAULT,
    hugePages: hugePages(),
    mounts: mountsOf(textOf('/proc/self/mountinfo')),
    readProgram,
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function swapBytes(): number {
  const kib = /^SwapTotal: +(\d+) kB$/m.exec(textOf('/proc/meminfo'))?.[1];
  return Number(kib ?? 0) * 1024;
}

/** @source Documentation/admin-guide/mm/hugetlbpage.rst */
function hugePages(): HugePages {
  const amount = (kib: number, name: string): number =>
    Number(textOf(`/sys/kernel/mm/hugepages/hugepages-${kib}kB/${name}`));
  const unreserved = (kib: number): number =>
    Math.max(0, amount(kib, 'free_hugepages') - amount(kib, 'resv_hugepages'));
  return {
    free: unreserved(HUGE_KIB),
    overcommit: amount(HUGE_KIB, 'nr_overcommit_hugepages'),
    gigantic: unreserved(GIGANTIC_KIB),
  };
}

/** @source proc(5): id, parent, device, root, mount point, options, ..., -, kind, source, options */
export function mountsOf(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const [left, right] = line.split(' - ', 2);
    const [, , , , path, options] = left!.split(' ');
    const [fileSystem, , superOptions] = right?.split(' ') ?? [];
    if (path === undefined || options === undefined || fileSystem === undefined) continue;
    mounts.push({
      path: path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
      fileSystem,
      ...pageSizeOf(superOptions),
      isExecutable: !options.split(',').includes('noexec'),
    });
  }
  return mounts;
}

/** Of hugetlbfs. */
function pageSizeOf(options = ''): Pick<Mount, 'pageBytes'> {
  const [, size, unit] = /\bpagesize=(\d+)([KMG])/.exec(options) ?? [];
  if (size === undefined) return {};
  return { pageBytes: Number(size) * 1024 ** ('KMG'.indexOf(unit!) + 1) };
}

/** The first bytes of a regular file. */
function readProgram(path: string): Uint8Array | undefined {
  try {
    // Neither waits for the other end of a pipe, nor for a device.
    const fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    try {
      if (!fstatSync(fd).isFile()) return undefined;
      const bytes = new Uint8Array(PROGRAM_BYTES);
      return bytes.subarray(0, readSync(fd, bytes, 0, PROGRAM_BYTES, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

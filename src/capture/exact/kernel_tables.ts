/** Which of the kernel's own tables `PageTables:` of /proc/meminfo counts. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { WalkedHost } from './walk.ts';

/** Set for pages of page tables that the kernel accounts; those of early boot are not. */
const KPF_PGTABLE = 1n << 26n;

/**
 * The pages of page tables that the kernel accounts, by who has them. Their sum is `PageTables:`,
 * but for tables that are just being freed, and second roots where page-table isolation is on.
 */
export interface AccountedPages {
  /** Tables that processes reach or hold in reserve, each shared one once, and their roots. */
  readonly user: number;
  /** Tables of the kernel's own half, and of address spaces that no process runs in. */
  readonly kernel: number;
}

/** @source Documentation/admin-guide/mm/pagemap.rst for /proc/kpageflags */
export function countAccountedPages(host: WalkedHost): AccountedPages {
  const user = new Set<number>();
  const kernel = new Set(accounted(new Set(host.kernel.map(({ frame }) => frame))));
  for (const mm of host.mms) {
    const owner = mm.pids.length > 0 ? user : kernel;
    owner.add(mm.rootFrame);
    for (const { frame } of mm.tables) owner.add(frame);
    for (const frame of mm.deposited) owner.add(frame);
  }
  return { user: user.size, kernel: kernel.size };
}

function accounted(frames: ReadonlySet<number>): number[] {
  const flags = Buffer.alloc(8);
  const fd = openSync('/proc/kpageflags', 'r');
  try {
    return [...frames].filter((frame) => {
      readSync(fd, flags, 0, 8, frame * 8);
      return (flags.readBigUInt64LE() & KPF_PGTABLE) !== 0n;
    });
  } finally {
    closeSync(fd);
  }
}

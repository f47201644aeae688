/** /proc/PID/smaps and smaps_rollup. @source fs/proc/task_mmu.c show_smap() (Linux 6.18) */
import { flagNames, type Machine, VM, type Vma } from '../mm/index.ts';
import { kernelPageBytes } from './frames.ts';
import type { ProcHost, ProcProcess } from './host.ts';
import { hasVsyscall, hex, mapsLine, NAME_COLUMN, VSYSCALL_LINE } from './maps.ts';
import { MemSizeStats, row } from './mem_size_stats.ts';

export function renderSmaps(host: ProcHost, process: ProcProcess): string {
  const { machine } = host;
  const parts = process.mm.vmas.all().map((vma) => {
    const stats = new MemSizeStats(machine, host.walkForm);
    stats.addVma(process.mm, vma);
    const size = (vma.end - vma.start) * 2 ** machine.format.pageShift;
    const pageBytes = kernelPageBytes(machine, vma);
    const isEligible = isHugeEligible(machine, vma);
    const rest = vmaLines(size, pageBytes, stats, isEligible, flagNames(vma.flags));
    return mapsLine(host, process, vma) + rest;
  });
  if (hasVsyscall(machine)) {
    parts.push(VSYSCALL_LINE + vmaLines(4096, 4096, new MemSizeStats(machine), false, ['ex']));
  }
  return parts.join('');
}

function vmaLines(
  size: number,
  pageBytes: number,
  stats: MemSizeStats,
  isEligible: boolean,
  flags: readonly string[],
): string {
  return (
    row('Size', size) +
    row('KernelPageSize', pageBytes) +
    row('MMUPageSize', pageBytes) +
    stats.lines(false) +
    `THPeligible:    ${(isEligible ? '1' : '0').padStart(8)}\n` +
    `VmFlags: ${flags.map((flag) => `${flag} `).join('')}\n`
  );
}

/** The sums of all VMAs: shares are added before they are rounded. */
export function renderSmapsRollup({ machine, walkForm }: ProcHost, { mm }: ProcProcess): string {
  const bytes = 2 ** machine.format.pageShift;
  const vmas = mm.vmas.all();
  const stats = new MemSizeStats(machine, walkForm);
  for (const vma of vmas) stats.addVma(mm, vma);
  const start = (vmas[0]?.start ?? 0) * bytes;
  const end = (vmas.at(-1)?.end ?? 0) * bytes;
  const head = `${hex(start)}-${hex(end)} ---p 00000000 00:00 0 `;
  return `${head.padEnd(NAME_COLUMN)}[rollup]\n${stats.lines(true)}`;
}

/**
 * Whether a huge page could come to be by a fault or khugepaged: of memory that is no file, as long
 * as shmem_enabled is `never`, if one fits below its end. What ends below the first place for one
 * passes, too: the kernel's address of it wraps around.
 *
 * @source mm/huge_memory.c __thp_vma_allowable_orders(), thp_vma_suitable_order() (Linux 6.18)
 */
function isHugeEligible(machine: Machine, { start, end, flags, file }: Vma): boolean {
  const { thp } = machine.size;
  if (file !== undefined || thp === 'never' || !machine.format.mayHoldLeaf(1)) return false;
  if ((flags & (VM.NOHUGEPAGE | VM.PFNMAP | VM.DONTEXPAND)) !== 0) return false;
  if (thp === 'madvise' && (flags & VM.HUGEPAGE) === 0) return false;
  const span = machine.format.entryPages[1]!;
  return end < span || Math.floor(end / span) * span - span >= start;
}

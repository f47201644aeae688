/**
 * /proc/PID/status. Lines that are not about memory say what a process of root says that waits.
 *
 * @source fs/proc/array.c proc_pid_status(); fs/proc/task_mmu.c task_mem() (Linux 6.18)
 * @omits  peaks: VmPeak and VmHWM are what is now
 */
import type { Machine } from '../mm/index.ts';
import type { ProcHost, ProcProcess } from './host.ts';
import { countersOf, residentOf } from './mm_counters.ts';

export function renderStatus({ machine }: ProcHost, process: ProcProcess): string {
  return identityLines(process) + memoryLines(machine, process) + restLines(machine);
}

function identityLines({ pid, parent, name }: ProcProcess): string {
  return lines([
    ['Name', escaped(name)],
    ['Umask', '0022'],
    ['State', 'S (sleeping)'],
    ['Tgid', pid],
    ['Ngid', 0],
    ['Pid', pid],
    ['PPid', parent],
    ['TracerPid', 0],
    ['Uid', '0\t0\t0\t0'],
    ['Gid', '0\t0\t0\t0'],
    ['FDSize', 64],
    ['Groups', ' '],
    ['NStgid', pid],
    ['NSpid', pid],
    ['NSpgid', pid],
    ['NSsid', pid],
    ['Kthread', 0],
  ]);
}

function memoryLines({ format }: Machine, process: ProcProcess): string {
  const { mm } = process;
  const counters = countersOf(mm);
  const resident = residentOf(counters);
  const code = codePages(process, 2 ** format.pageShift);
  const text = Math.min(code, counters.executable);
  const pages: readonly (readonly [name: string, pages: number])[] = [
    ['VmPeak', counters.total],
    ['VmSize', counters.total],
    ['VmLck', mm.lockedPages],
    ['VmPin', 0],
    ['VmHWM', resident],
    ['VmRSS', resident],
    ['RssAnon', counters.rssAnon],
    ['RssFile', counters.rssFile],
    ['RssShmem', counters.rssShmem],
    ['VmData', counters.data],
    ['VmStk', counters.stack],
    ['VmExe', text],
    ['VmLib', counters.executable - text],
    ['VmPTE', mm.tables],
    ['VmSwap', counters.swap],
    ['HugetlbPages', 0],
  ];
  const kibibytes = 2 ** (format.pageShift - 10);
  return pages
    .map(([name, count]) => `${name}:\t${String(count * kibibytes).padStart(8)} kB\n`)
    .join('');
}

/** Pages that the code of the program spans, whole ones. */
export function codePages({ codeStart = 0, codeEnd = 0 }: ProcProcess, pageBytes: number): number {
  return Math.ceil(codeEnd / pageBytes) - Math.floor(codeStart / pageBytes);
}

const NO_SIGNALS = '0000000000000000';
const ALL_CAPABILITIES = '000001ffffffffff';

function restLines({ size }: Machine): string {
  const allCpus = 2 ** size.cpus - 1;
  return lines([
    ['CoreDumping', 0],
    ['THP_enabled', 1],
    ['untag_mask', '0xffffffffffffffff'],
    ['Threads', 1],
    ['SigQ', '0/0'],
    ['SigPnd', NO_SIGNALS],
    ['ShdPnd', NO_SIGNALS],
    ['SigBlk', NO_SIGNALS],
    ['SigIgn', NO_SIGNALS],
    ['SigCgt', NO_SIGNALS],
    ['CapInh', NO_SIGNALS],
    ['CapPrm', ALL_CAPABILITIES],
    ['CapEff', ALL_CAPABILITIES],
    ['CapBnd', ALL_CAPABILITIES],
    ['CapAmb', NO_SIGNALS],
    ['NoNewPrivs', 0],
    ['Seccomp', 0],
    ['Seccomp_filters', 0],
    ['Speculation_Store_Bypass', 'not vulnerable'],
    ['SpeculationIndirectBranch', 'not affected'],
    ['Cpus_allowed', allCpus.toString(16)],
    ['Cpus_allowed_list', size.cpus === 1 ? '0' : `0-${size.cpus - 1}`],
    ['Mems_allowed', '1'],
    ['Mems_allowed_list', '0'],
    ['voluntary_ctxt_switches', 0],
    ['nonvoluntary_ctxt_switches', 0],
  ]);
}

function lines(fields: readonly (readonly [name: string, value: string | number])[]): string {
  return fields.map(([name, value]) => `${name}:\t${value}\n`).join('');
}

/** @source fs/proc/array.c proc_task_name(): ESCAPE_SPACE | ESCAPE_SPECIAL, of "\n\\" */
function escaped(name: string): string {
  return name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/**
 * /proc/PID/maps: one line a VMA.
 *
 * @source fs/proc/task_mmu.c show_map_vma(), get_vma_name(); arch/x86/entry/vsyscall (Linux 6.18)
 * @omits  names that prctl(PR_SET_VMA) gives to anonymous memory
 */
import { type Machine, VM, type Vma } from '../mm/index.ts';
import type { ProcHost, ProcProcess } from './host.ts';

/** Where names start. */
const NAME_COLUMN = 73;
const VVAR_PAGES = 4;

/** What x86-64 has at the end of every address space, for programs of long ago. It is no VMA. */
const VSYSCALL = 'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 ';
export const VSYSCALL_LINE = `${VSYSCALL.padEnd(NAME_COLUMN)}[vsyscall]\n`;

export function hasVsyscall({ format }: Machine): boolean {
  return format.id.startsWith('x86_64');
}

export function renderMaps(host: ProcHost, process: ProcProcess): string {
  const lines = process.mm.vmas.all().map((vma) => mapsLine(host, process, vma));
  if (hasVsyscall(host.machine)) lines.push(VSYSCALL_LINE);
  return lines.join('');
}

/** With its newline; a VMA without a name keeps the space before it. */
export function mapsLine(host: ProcHost, process: ProcProcess, vma: Vma): string {
  const bytes = 2 ** host.machine.format.pageShift;
  const { start, end, flags, file, pgoff } = vma;
  const name = file === undefined ? undefined : host.nameOf(file.inode);
  const range = `${hex(start * bytes)}-${hex(end * bytes)} ${rights(flags)}`;
  const offset = file === undefined ? 0 : pgoff * bytes;
  const line = `${range} ${hex(offset)} ${name?.device ?? '00:00'} ${name?.inode ?? '0'} `;
  const shown = name === undefined ? memoryName(host, process, vma) : escaped(name.path);
  return shown === '' ? `${line}\n` : `${line.padEnd(NAME_COLUMN)}${shown}\n`;
}

/** Hexadecimal digits, 8 at least. */
export function hex(bytes: number): string {
  return bytes.toString(16).padStart(8, '0');
}

function rights(flags: number): string {
  const letter = (bit: number, shown: string): string => ((flags & bit) === 0 ? '-' : shown);
  const kind = (flags & VM.MAYSHARE) === 0 ? 'p' : 's';
  return letter(VM.READ, 'r') + letter(VM.WRITE, 'w') + letter(VM.EXEC, 'x') + kind;
}

/** A newline in a path would be the end of the line. */
const escaped = (path: string): string => path.replaceAll('\n', '\\012');

/** What is called something though it is no file. */
export function memoryName({ machine }: ProcHost, process: ProcProcess, vma: Vma): string {
  const bytes = 2 ** machine.format.pageShift;
  const { start, end, flags } = vma;
  if ((flags & VM.PFNMAP) !== 0) return end - start === VVAR_PAGES ? '[vvar]' : '[vvar_vclock]';
  if ((flags & VM.DONTEXPAND) !== 0) return '[vdso]';
  const { brkBytes, layout } = process.mm;
  if (start * bytes < brkBytes && end * bytes > layout.brkStartBytes) return '[heap]';
  const { stackStart } = process;
  const isStack =
    stackStart !== undefined && start * bytes <= stackStart && end * bytes >= stackStart;
  return isStack ? '[stack]' : '';
}

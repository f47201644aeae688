/**
 * Where execve(2) puts things, on x86-64 with four levels and without randomisation.
 *
 * @source arch/x86/mm/mmap.c mmap_base(), fs/binfmt_elf.c load_elf_binary(), fs/exec.c
 *         setup_arg_pages() (Linux 6.18)
 */
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { STACK_GUARD_PAGES, VM, VM_MAY_ACCESS } from '../vma/vma.ts';

/** The end of what a process can use, in pages; stacks end there. */
export const TASK_PAGES = 0x7ffffffff;
/** Where programs go that can be anywhere and have an interpreter: two thirds up. */
export const DYNAMIC_BASE = Math.floor((TASK_PAGES * PAGE_BYTES) / 3) * 2;

const GAP_MIN = 2 ** 15;
/** Five sixths, of bytes. */
const GAP_BYTES_MAX = Math.floor((TASK_PAGES * PAGE_BYTES) / 6) * 5;

/** Below which page mappings are placed: the stack may grow down to it (RLIMIT_STACK, in bytes). */
export function mmapBase(stackLimitBytes: number): number {
  const wanted = stackLimitBytes + STACK_GUARD_PAGES * PAGE_BYTES;
  const gap = Math.min(Math.max(wanted, GAP_MIN * PAGE_BYTES), GAP_BYTES_MAX);
  return TASK_PAGES - Math.floor(gap / PAGE_BYTES);
}

/** How many pages a stack has below its arguments from the start. */
export const STACK_EXPANSION = 32;
export const STACK_FLAGS = VM.READ | VM.WRITE | VM_MAY_ACCESS | VM.GROWSDOWN | VM.ACCOUNT;

/** What the kernel maps into every program, from the lowest: pages and flags. */
export const VDSO_PARTS: readonly { readonly pages: number; readonly flags: number }[] = (() => {
  const data = VM.READ | VM.MAYREAD | VM.IO | VM.PFNMAP | VM.DONTEXPAND | VM.DONTDUMP;
  const code = VM.READ | VM.EXEC | VM_MAY_ACCESS | VM.DONTEXPAND;
  // vvar, vvar_vclock, vdso
  return [
    { pages: 4, flags: data },
    { pages: 2, flags: data },
    { pages: 2, flags: code },
  ];
})();

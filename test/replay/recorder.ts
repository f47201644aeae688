/** Whether page faults can be recorded here. */
import { readFileSync } from 'node:fs';
import { loadPtrace } from '../../src/capture/record/ptrace.ts';
import type { Judge } from '../live/judge.ts';

export const recorder: Judge = {
  missing() {
    if (process.arch !== 'x64') return 'page faults are recorded on x86-64 only';
    const filesystems = readFileSync('/proc/filesystems', 'latin1');
    if (!/\ttracefs$/m.test(filesystems)) return 'the kernel has no tracefs';
    return loadPtrace() === undefined ? 'koffi is not installed' : undefined;
  },
};

/** Huge pages of anonymous memory are not recorded. */
export const smallPages: Judge = {
  missing: () =>
    readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'latin1').includes('[always]')
      ? 'transparent_hugepage is always'
      : undefined,
};

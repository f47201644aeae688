/** The C program of `region.c`, as tests use it. */
import { compile, type RunningProgram, start } from './programs.ts';

export interface Region {
  readonly pids: readonly number[];
  end(): Promise<void>;
}

/** Name of the processes that map the region. */
export const REGION_COMM = 'ptregion';
/** First page of the region; the kind `hugetlb-unaligned` starts 512 pages above. */
export const REGION_START = 64 * 512 * 512;
export const REGION_PAGES = 512 * 512;
/** Huge pages that the hugetlb kinds take from the pool. */
export const REGION_HUGE_PAGES = 512;

export function compileRegion(): string {
  return compile('region.c', '-static', '-no-pie');
}

/** Starts `processes` processes that map a region of `kind`; returns when all have touched it. */
export async function startRegion(
  program: string,
  kind: string,
  processes: number,
): Promise<Region> {
  const running: RunningProgram = start(program, [kind, String(processes)]);
  const ready = await running.line(/^ready/);
  const pids = ready.split(' ').slice(1).map(Number);
  return { pids, end: () => running.endInput() };
}

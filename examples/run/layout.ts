/**
 * What page tables cost depends on where pages are, not only on how many: the same 64 pages, next to
 * each other, then farther and farther apart.
 */
import type { ScenarioContext } from 'ptshare/script';
import { PAGE_BYTES } from '../../src/uapi/mman.ts';

const PAGES = 64;

export function scenario({ mm, task, calls, constants }: ScenarioContext): void {
  const { mmap, munmap, echo } = calls;
  const { PROT_READ, PROT_WRITE, MAP_PRIVATE, MAP_ANONYMOUS, K, M, G } = constants;
  const distances: readonly number[] = [4 * K, 64 * K, 2 * M, 16 * M];
  for (const distance of distances) {
    const start = mmap(0, 1 * G, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    // Straight to the engine: calls of `calls` are printed, one by one.
    for (let page = 0; page < PAGES; page++) {
      mm.store(task, (start + page * distance) / PAGE_BYTES, page);
    }
    echo(`${PAGES} pages, one every ${distance / K} KiB: ${task.mm.tables} tables`);
    munmap(start, 1 * G);
  }
}

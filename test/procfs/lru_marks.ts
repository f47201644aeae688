/**
 * What the LRU lists of the kernel add to smaps. The engine has none, so these marks are taken from
 * the kernel: PG_referenced, and pages of MADV_FREE that were not on a list yet when it came, which
 * therefore are not lazily freed.
 */
import { ACCESSED, DIRTY } from '../../src/arch/index.ts';
import {
  FrameFlag,
  headOf,
  isAnonymousFrame,
  isMappedAt,
  mappedFlagsAt,
  mappedFrameAt,
} from '../../src/mm/index.ts';
import { visitEntries } from '../../src/procfs/entries.ts';
import { isZeroFrame } from '../../src/procfs/frames.ts';
import type { Observed } from '../kernel/engine/engine.ts';
import type { State } from '../kernel/report.ts';
import type { Block } from './smaps_blocks.ts';

const PAGE_BYTES = 4096;
const FRAME_BYTES = 32;
const KPF_REFERENCED = 1n << 2n;
const KPF_SWAPBACKED = 1n << 14n;

export interface LruMarks {
  /** In bytes: pages that are referenced by their flag only, and that are not to be freed. */
  readonly referenced: readonly number[];
  readonly kept: readonly number[];
}

export function lruMarks(state: State, { task }: Observed): LruMarks {
  const { machine, mm } = task;
  const [referenced, kept]: [number[], number[]] = [[], []];
  const bytes = Buffer.from(state.files?.get('FRAMES') ?? new Uint8Array());
  for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
    const page = Number(bytes.readBigUInt64LE(at));
    const kernel = bytes.readBigUInt64LE(at + 24);
    visitEntries(machine, mm, page, page + 1, (_, slot, level) => {
      if (!isMappedAt(machine, slot, level)) return;
      const frame = mappedFrameAt(machine, slot, level);
      if (isZeroFrame(machine, frame)) return;
      const entry = mappedFlagsAt(machine, slot);
      const flags = machine.frameFlags[headOf(machine, frame)]!;
      const isMarked = (kernel & KPF_REFERENCED) !== 0n;
      if (isMarked && (entry & ACCESSED) === 0) referenced.push(page * PAGE_BYTES);
      const isLazy = isAnonymousFrame(machine, frame) && (flags & FrameFlag.SWAPBACKED) === 0;
      const isClean = (entry & DIRTY) === 0 && (flags & FrameFlag.DIRTY) === 0;
      if (isLazy && isClean && (kernel & KPF_SWAPBACKED) !== 0n) kept.push(page * PAGE_BYTES);
    });
  }
  return { referenced, kept };
}

/** A block as it would be with these marks. */
export function adjust({ start, text }: Block, { referenced, kept }: LruMarks): Block {
  const end = Number.parseInt(/-([0-9a-f]+)/.exec(text)![1]!, 16);
  const within = (pages: readonly number[]): number[] =>
    pages.filter((page) => page >= start && page < end);
  return {
    start,
    text: adjustText(text, { referenced: within(referenced), kept: within(kept) }),
  };
}

export function adjustText(text: string, { referenced, kept }: LruMarks): string {
  return add(add(text, 'Referenced', referenced.length * 4), 'LazyFree', -kept.length * 4);
}

function add(text: string, name: string, kibibytes: number): string {
  return text.replace(
    new RegExp(`^${name}: +(\\d+) kB$`, 'm'),
    (_, value: string) =>
      `${`${name}:`.padEnd(16)}${String(Number(value) + kibibytes).padStart(8)} kB`,
  );
}

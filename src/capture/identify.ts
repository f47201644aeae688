/** Gives content ids to the tables of a whole host, if that is allowed and does not take long. */
import { slotPages } from '../arch/geometry.ts';
import type { Mm, Runs } from '../snapshot/records.ts';
import { ContentIds, FramesHidden } from './content.ts';
import { contestedSlots, type SlotIntervals } from './contested.ts';
import { BudgetSpent } from './pacer.ts';
import { obstacleOf, ProcessGone } from './proc_files.ts';
import type { Reading } from './process_reader.ts';
import type { ProcessEntry } from './processes.ts';

/** 200,000 tables on the machine this was measured on. */
const SECONDS_MAX = 10;

export interface Identified {
  readonly mms: readonly Mm[];
  /** Whether all tables that may be equal were compared. */
  readonly isComplete: boolean;
  readonly notes: readonly string[];
}

/** @param entries by pid, to recognise a pid that another process has got meanwhile */
export async function identifyContents(
  mms: readonly Mm[],
  entries: ReadonlyMap<number, ProcessEntry>,
  reading: Reading,
): Promise<Identified> {
  const contested = contestedSlots(mms, slotPages(reading.geometry));
  const ids = new ContentIds(reading.geometry, reading.pacer);
  reading.pacer.limitBudget(SECONDS_MAX);
  const identified = [...mms];
  for (const [index, mm] of mms.entries()) {
    if (contested.length === 0) break;
    try {
      const runs = await runsOf(mm, entries.get(mm.pid), ids, contested, reading);
      identified[index] = { ...mm, runs };
    } catch (error) {
      const note = noteOn(error);
      if (note !== undefined) return { mms: identified, isComplete: false, notes: [note] };
      if (obstacleOf(error) === undefined) throw error;
    }
  }
  return { mms: identified, isComplete: true, notes: [] };
}

/** @throws ProcessGone if the pid has another process now */
function runsOf(
  mm: Mm,
  entry: ProcessEntry | undefined,
  ids: ContentIds,
  contested: SlotIntervals,
  { files }: Reading,
): Promise<Runs> {
  if (mm.runs.length === 0) return Promise.resolve(mm.runs);
  if (files.startTime(mm.pid) !== entry?.startTime) throw new ProcessGone('The process has ended');
  return files.withPagemap(mm.pid, (pagemap) => ids.identify(mm, pagemap, contested));
}

/** The sentence for an error that ends the comparison; undefined for any other. */
function noteOn(error: unknown): string | undefined {
  if (error instanceof FramesHidden) {
    return 'Equal private tables were not looked for: only root may see which pages they hold';
  }
  if (error instanceof BudgetSpent) {
    return 'Equal private tables were looked for in some processes only: the time was spent';
  }
  return undefined;
}

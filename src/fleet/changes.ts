/** What changed on a host since it was last said, in lines worth reading. */
import { printable } from '../report/printable.ts';
import { counted, formatBytes } from '../report/quantity.ts';
import type { GroupRow, Sample } from './sample.ts';

export interface Change {
  readonly what: 'pageTables' | 'duplicates' | 'group' | 'object';
  /** Of the group or object; '' for what is of the whole host. */
  readonly name: string;
  readonly beforeBytes: number;
  readonly afterBytes: number;
  /** Address spaces, of a group or object. */
  readonly beforeProcesses: number;
  readonly afterProcesses: number;
}

type State = Omit<Change, 'beforeBytes' | 'beforeProcesses'>;

/** Less than both of these is noise. */
const BYTES_MIN = 2 ** 20;
const SHARE_MIN = 0.01;

/**
 * Compares each sample with what was last said, not with the sample before: what grows slowly is
 * told as soon as it has grown enough.
 */
export class ChangeDetector {
  readonly #said = new Map<string, State>();
  #isFirst = true;

  /** Changes since they were last told, largest first; none for the first sample. */
  next(sample: Sample): Change[] {
    const now = statesOf(sample);
    const threshold = Math.max(BYTES_MIN, sample.host.pageTablesBytes * SHARE_MIN);
    const changes: Change[] = [];
    for (const key of new Set([...this.#said.keys(), ...now.keys()])) {
      const said = this.#said.get(key);
      const state = now.get(key);
      const change = changeOf(said, state);
      const isTold = Math.abs(change.afterBytes - change.beforeBytes) >= threshold;
      if (isTold) changes.push(change);
      if (state === undefined && (isTold || change.beforeBytes < threshold)) this.#said.delete(key);
      else if (state !== undefined && (isTold || this.#isFirst)) this.#said.set(key, state);
    }
    const wasFirst = this.#isFirst;
    this.#isFirst = false;
    return wasFirst ? [] : changes.sort((a, b) => delta(b) - delta(a));
  }
}

function delta({ beforeBytes, afterBytes }: Change): number {
  return Math.abs(afterBytes - beforeBytes);
}

function statesOf({ host, groups, objects }: Sample): Map<string, State> {
  const states = new Map<string, State>();
  const add = (what: State['what'], key: string, row: GroupRow): void => {
    const { name, tableBytes, processes } = row;
    states.set(key, { what, name, afterBytes: tableBytes, afterProcesses: processes });
  };
  const whole = { name: '', processes: host.processes, duplicateBytes: 0 };
  add('pageTables', 'pageTables', { ...whole, tableBytes: host.pageTablesBytes });
  add('duplicates', 'duplicates', { ...whole, tableBytes: host.duplicateBytes });
  for (const row of groups) add('group', `group ${row.name}`, row);
  for (const row of objects) add('object', `object ${row.kind} ${row.name}`, row);
  return states;
}

function changeOf(before: State | undefined, after: State | undefined): Change {
  const { what, name } = (after ?? before)!;
  return {
    what,
    name,
    beforeBytes: before?.afterBytes ?? 0,
    afterBytes: after?.afterBytes ?? 0,
    beforeProcesses: before?.afterProcesses ?? 0,
    afterProcesses: after?.afterProcesses ?? 0,
  };
}

const SUBJECTS = { pageTables: 'page tables', duplicates: 'the same again', group: '', object: '' };

/** `postgres +27.5 MiB: 2 MiB -> 29.5 MiB, 12 -> 40 processes`. */
export function changeSentence(change: Change): string {
  const { what, name, beforeBytes, afterBytes, beforeProcesses, afterProcesses } = change;
  const difference = afterBytes - beforeBytes;
  const subject = SUBJECTS[what] || printable(name);
  const processes =
    what === 'group' && beforeProcesses !== afterProcesses
      ? `, ${beforeProcesses} -> ${counted(afterProcesses, 'process')}`
      : '';
  return (
    `${subject} ${difference < 0 ? '' : '+'}${formatBytes(difference)}: ` +
    `${formatBytes(beforeBytes)} -> ${formatBytes(afterBytes)}${processes}`
  );
}

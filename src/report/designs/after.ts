/** What designs cost after something has happened to a workload: tables, by the shapes. */
import type { HostSnapshot } from '../../snapshot/records.ts';
import { explainHost } from '../../twin/explain.ts';
import { DESIGNS, evaluateDesigns } from '../../whatif/evaluate.ts';
import {
  actorsOf,
  type Happening,
  happen,
  type Staging,
  targetOf,
} from '../../whatif/happening.ts';
import { Life } from '../../whatif/life.ts';
import { counted, formatBytes } from '../quantity.ts';
import type { After, AfterStep } from './after_schema.ts';

/** What is to happen, in the words of who asks. */
export interface Event {
  readonly text: string;
  readonly happening: Happening;
}

/** An event that cannot happen to a host: the message says why, and `mend` what can. */
export class EventError extends RangeError {
  readonly mend: string;

  constructor(message: string, mend: string) {
    super(message);
    this.mend = mend;
  }
}

/** @throws EventError if fewer can do something than are asked for */
export function afterEvents(
  before: HostSnapshot,
  ids: readonly string[],
  events: readonly Event[],
): Omit<After, 'engine'> {
  const twin = explainHost(before);
  const chosen = DESIGNS.filter(({ id }) => ids.includes(id));
  const start: After['start'] = [];
  const steps = events.map(({ text }): AfterStep => {
    return { event: text, story: '', processes: 0, designs: [] };
  });
  // One design after the other: the life of a large host takes memory.
  for (const { design, outcome, count } of evaluateDesigns(twin, chosen)) {
    let life = new Life(outcome);
    let pages = count.distinct + outcome.snapshot.mms.length * before.host.rootPages;
    start.push({ id: design.id, tableBytes: pages * twin.pageBytes });
    for (const [index, event] of events.entries()) {
      const step = steps[index]!;
      const staging = { before, outcome };
      // As many under every design.
      step.processes = actorsFor(life, staging, event);
      let [refused, isOpen] = [0, false];
      life = happen(life, staging, event.happening, ({ error }, after) => {
        if (error !== undefined) refused++;
        isOpen ||= after.isOpen;
      });
      const tables = life.tables();
      const tableBytes = tables * twin.pageBytes;
      const addedBytes = (tables - pages) * twin.pageBytes;
      step.designs.push({ id: design.id, tableBytes, addedBytes, refused, isOpen });
      pages = tables;
    }
  }
  for (const [index, { happening }] of events.entries()) {
    const step = steps[index]!;
    step.story = storyOf(before, happening, step.processes, twin.pageBytes);
  }
  return { start, steps };
}

/** @returns how many do it */
function actorsFor(life: Life, staging: Staging, { text, happening }: Event): number {
  const able = actorsOf(life, staging, { ...happening, processes: 'all' }).length;
  const wanted = happening.processes === 'all' ? Math.max(1, able) : happening.processes;
  const isEnough = happening.call === 'fork' ? able > 0 : able >= wanted;
  if (isEnough) return wanted;
  if (able === 0)
    throw new EventError(`${text}: nobody is there who could do that`, 'Leave it out');
  const most = counted(able, 'process');
  throw new EventError(
    `${text}: only ${most} can do that by then`,
    `Let at most ${able} do it, or \`all\``,
  );
}

const DOES: Readonly<Record<'munmap' | 'mremap' | 'dontneed' | 'write', string>> = {
  munmap: 'munmap(2) of',
  mremap: 'mremap(2) elsewhere of',
  dontneed: 'MADV_DONTNEED of',
  write: 'a store to each page of',
};

function storyOf(
  before: HostSnapshot,
  happening: Happening,
  processes: number,
  pageBytes: number,
): string {
  if (happening.call === 'exit') {
    return processes === 1 ? 'one process ends' : `${processes} processes end`;
  }
  if (!('pages' in happening)) {
    const times = processes === 1 ? '' : ` ${processes} times`;
    return `the first process forks${times}; a child touches what it has`;
  }
  const { call, isWritable, pages } = happening;
  const rights = isWritable ? 'PROT_READ|PROT_WRITE' : 'PROT_READ';
  const does = call === 'mprotect' ? `mprotect(2) to ${rights} of` : DOES[call];
  const memory = memoryOf(before, happening.call);
  const size = `${formatBytes(pages * pageBytes)} of ${memory}`;
  const who = processes === 1 ? 'by one process' : `by each of ${processes} processes`;
  return `${does} ${size} ${who}, which touches again what it has`;
}

function memoryOf(before: HostSnapshot, call: Parameters<typeof targetOf>[2]): string {
  const index = before.mms.findLastIndex((_, at) => targetOf(before, at, call) !== undefined);
  const target = targetOf(before, index, call);
  const object = target === undefined ? undefined : before.objects[target.object];
  return object === undefined ? 'private memory' : object.name;
}

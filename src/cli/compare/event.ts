/** What `--after` takes: a call, and of what and how often. */
import { InvalidArgumentError } from 'commander';
import type { Event } from '../../report/designs/after.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { type Happening, RANGE_CALLS, type RangeCall } from '../../whatif/happening.ts';
import { PROCESSES_MAX } from '../jobs/task.ts';
import { size } from '../option_values.ts';

export const EVENTS_MAX = 16;
const FORKS_MAX = 100;
const WANTED =
  'mprotect:SIZE[:r|:rw], munmap:SIZE, mremap:SIZE, dontneed:SIZE, write:SIZE, fork, exit';
const SIZE = /^\d+(?:\.\d+)?[KMGT](?:i?B)?$/i;

/** One more event, as commander gathers values of an option that is given several times. */
export function addEvent(text: string, events: readonly Event[] = []): readonly Event[] {
  if (events.length === EVENTS_MAX) {
    throw new InvalidArgumentError(`At most ${EVENTS_MAX} events are followed.`);
  }
  return [...events, { text, happening: happeningOf(text) }];
}

function happeningOf(text: string): Happening {
  const [call, ...details] = text.split(':');
  if (call === 'fork' || call === 'exit') {
    const [many, ...more] = details;
    if (more.length > 0) throw new InvalidArgumentError(`Wanted: ${call} or ${call}:10.`);
    return { call, processes: processesOf(many, call === 'fork' ? FORKS_MAX : PROCESSES_MAX) };
  }
  if (!isRangeCall(call)) throw new InvalidArgumentError(`Wanted: ${WANTED}.`);
  const [bytes, ...rest] = details;
  if (bytes === undefined || !SIZE.test(bytes)) {
    throw new InvalidArgumentError(`How much? A size has a unit: ${call}:1M, ${call}:4K.`);
  }
  const isMprotect = call === 'mprotect' && (rest[0] === 'r' || rest[0] === 'rw');
  const [many, ...more] = isMprotect ? rest.slice(1) : rest;
  if (more.length > 0) throw new InvalidArgumentError(`Wanted: ${WANTED}; then :PROCESSES.`);
  return {
    call,
    pages: Math.ceil(size(bytes) / PAGE_BYTES),
    isWritable: isMprotect && rest[0] === 'rw',
    processes: processesOf(many, PROCESSES_MAX),
  };
}

const isRangeCall = (call: string | undefined): call is RangeCall =>
  RANGE_CALLS.some((known) => known === call);

function processesOf(text: string | undefined, most: number): number | 'all' {
  if (text === undefined) return 1;
  if (text === 'all') return text;
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= most) return count;
  throw new InvalidArgumentError(`How many processes? A number from 1 to ${most}, or all.`);
}

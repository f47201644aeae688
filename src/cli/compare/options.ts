/** The options of `ptshare compare`, and what their values must look like. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Common } from '../../cost/index.ts';
import type { Event } from '../../report/designs/after.ts';
import { DESIGN_IDS } from '../../report/designs/build.ts';
import { POST_COPY_DESIGNS } from '../../workload/index.ts';
import { queueOption } from '../jobs/option.ts';
import { PROCESSES_MAX } from '../jobs/task.ts';
import { colorOption, size, whole, widthOption } from '../option_values.ts';
import { addEvent } from './event.ts';

/** What is changed from row to row, and its values. */
export interface Sweep {
  readonly of: 'processes' | 'size';
  readonly values: readonly number[];
}

export interface CompareOptions {
  readonly list?: true;
  readonly processes?: number;
  readonly size?: number;
  readonly designs?: readonly string[];
  readonly sweep?: Sweep;
  readonly after?: readonly Event[];
  readonly common: Common;
  readonly link?: number;
  readonly roundTrip?: number;
  readonly queue?: string;
  readonly json?: true;
  readonly html?: string;
  readonly save?: string;
  readonly width?: number;
  readonly color: boolean;
}

/** Of a guest that is migrated. */
export const GUEST_IDS: readonly string[] = POST_COPY_DESIGNS.map(({ id }) => id);

const SWEEP_MAX = 100;
const ROUND_TRIP_MAX_US = 1e7;
const LINK_MIN = 1e6;
const LINK_MAX = 1e13;
const BITS: Readonly<Record<string, number>> = { M: 1e6, G: 1e9, T: 1e12 };

export function addCompareOptions(command: Command): Command {
  const add = (option: Option): Command => command.addOption(option);
  add(new Option('--list', 'print the workloads'));
  command.optionsGroup('How large:');
  add(new Option('--processes <n>', 'how many share').argParser(processes));
  add(new Option('--size <bytes>', 'of what is common: 300G, 64MiB').argParser(size));
  add(
    new Option('--sweep <what=values>', 'more sizes: processes=10,100 or size=1G,10G').argParser(
      sweep,
    ),
  );
  command.optionsGroup('What happens then:');
  add(
    new Option(
      '--after <event>',
      'fork, exit:10, mprotect:1M, munmap:2M, mremap:2M, dontneed:2M, write:4K:all; may be repeated',
    ).argParser(addEvent),
  );
  command.optionsGroup('Traces, and guests that are migrated:');
  add(
    new Option('--common <pages>', 'of memory traces: what all have in common')
      .choices(['unwritten', 'all'])
      .default('unwritten'),
  );
  add(
    new Option('--link <bits>', 'of a guest that is migrated: 25G bits a second').argParser(link),
  );
  add(
    new Option('--round-trip <us>', 'the same: to the other host and back').argParser(
      whole(0, ROUND_TRIP_MAX_US),
    ),
  );
  command.optionsGroup('Where:');
  add(queueOption());
  command.optionsGroup('What to do with it:');
  add(
    new Option(
      '--designs <ids>',
      `of ${DESIGN_IDS.join(', ')}; of a guest: ${GUEST_IDS.join(', ')}`,
    ).argParser(designs),
  );
  add(new Option('--json', 'print JSON (docs/report.md) instead of text'));
  add(new Option('--html <file>', 'write it as one HTML file too'));
  add(new Option('--save <file>', 'write the host as a snapshot, for `host --from`'));
  command.optionsGroup('How to show it:');
  add(widthOption());
  add(colorOption());
  return command;
}

const processes = whole(1, PROCESSES_MAX);

function link(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([MGT])$/i.exec(text) ?? [];
  const value = Number(digits) * (unit === undefined ? 1 : BITS[unit.toUpperCase()]!);
  if (value >= LINK_MIN && value <= LINK_MAX) return value;
  throw new InvalidArgumentError('Bits a second are wanted, from 1M to 10T: 25G, 100M.');
}

function sweep(text: string): Sweep {
  const [, of, list] = /^(processes|size)=(.+)$/.exec(text) ?? [];
  if (of === undefined || list === undefined) {
    throw new InvalidArgumentError('Wanted: processes=10,100,1000 or size=1G,10G.');
  }
  const texts = list.split(',');
  if (texts.length > SWEEP_MAX) {
    throw new InvalidArgumentError(`At most ${SWEEP_MAX} values are wanted.`);
  }
  if (of === 'processes') return { of, values: texts.map(processes) };
  return { of: 'size', values: texts.map(size) };
}

function designs(text: string): readonly string[] {
  const ids = text.split(',');
  const all = [...new Set([...DESIGN_IDS, ...GUEST_IDS])];
  const unknown = ids.find((id) => !all.includes(id));
  if (unknown === undefined) return ids;
  throw new InvalidArgumentError(`No design is called ${unknown}: ${all.join(', ')}.`);
}

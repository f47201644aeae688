/** The options of `ptshare run`, and what their values must look like. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { LIMITS } from '../../script/index.ts';
import { formatOption } from '../format_option.ts';
import { colorOption, whole, widthOption } from '../option_values.ts';
import { TRACE_HELP, tracePath } from '../trace_file.ts';
import { IMAGE_HELP, imagePath } from './image_file.ts';

export interface RunOptions {
  readonly interactive?: true;
  readonly cpus: number;
  readonly memory: number;
  readonly format: string;
  readonly thp: 'always' | 'madvise' | 'never';
  readonly maxMapCount: number;
  readonly mshare?: 'v2' | 'v3' | 'mended';
  readonly trace?: string;
  readonly image?: string;
  readonly proc?: string;
  readonly mount?: string;
  readonly json?: true;
  readonly top: number;
  readonly width?: number;
  readonly color: boolean;
}

const MIB = 2 ** 20;
const MEMORY_MIN = MIB;
const MEMORY_DEFAULT = 2 ** 30;
const CPUS_MAX = 30;
const ROWS_DEFAULT = 20;
const ROWS_MAX = 1_000_000;

export function addRunOptions(command: Command): Command {
  const add = (option: Option): Command => command.addOption(option);
  add(new Option('-i, --interactive', 'read calls from the terminal, after those of the file'));
  command.optionsGroup('The machine:');
  add(new Option('--cpus <n>', 'how many CPUs').argParser(whole(1, CPUS_MAX)).default(2));
  add(
    new Option('--memory <size>', 'as in 64M or 2G').argParser(bytes).default(MEMORY_DEFAULT, '1G'),
  );
  add(formatOption());
  add(
    new Option('--thp <when>', 'transparent_hugepage/enabled')
      .choices(['always', 'madvise', 'never'])
      .default('madvise'),
  );
  add(
    new Option('--max-map-count <n>', 'vm.max_map_count')
      .argParser(whole(1, LIMITS.vmas / 2))
      .default(65530),
  );
  add(
    new Option('--mshare <variant>', 'with mshare, as in docs/mshare.md').choices([
      'v2',
      'v3',
      'mended',
    ]),
  );
  command.optionsGroup('How to show it:');
  add(new Option('--trace <file>', TRACE_HELP).argParser(tracePath));
  add(new Option('--image <file>', IMAGE_HELP).argParser(imagePath));
  add(new Option('--proc <folder>', 'write /proc of the processes that are left (docs/procfs.md)'));
  add(new Option('--mount <folder>', 'mount it there, live: with -i while you type; as root'));
  add(new Option('--json', 'print JSON (docs/run.md) instead of text').conflicts('interactive'));
  add(
    new Option('--top <rows>', 'VMAs of a process, and tables below a table')
      .argParser(whole(1, ROWS_MAX))
      .default(ROWS_DEFAULT),
  );
  add(widthOption());
  add(colorOption());
  return command;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: MIB, G: 2 ** 30 };

function bytes(text: string): number {
  const [, digits, unit] = /^(\d{1,12})([KMG]?)(?:i?B)?$/i.exec(text) ?? [];
  const value = Number(digits) * (UNITS[unit?.toUpperCase() ?? ''] ?? Number.NaN);
  if (value >= MEMORY_MIN && value <= LIMITS.memoryBytes) return value;
  throw new InvalidArgumentError('A size from 1M to 16G is wanted, as in 64M.');
}

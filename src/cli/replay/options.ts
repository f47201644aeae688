/** The options of `ptshare replay`, and what their values must look like. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { IMAGE_HELP, imagePath } from '../run/image_file.ts';
import { WIDTH_MIN } from '../terminal.ts';
import { TRACE_HELP, tracePath } from '../trace_file.ts';

export interface ReplayOptions {
  readonly strict?: true;
  readonly faults?: true;
  readonly save?: string;
  readonly until?: number;
  readonly show?: true;
  readonly trace?: string;
  readonly proc?: string;
  readonly image?: string;
  readonly json?: true;
  readonly top: number;
  readonly width?: number;
  readonly color: boolean;
}

const ROWS_DEFAULT = 20;
const ROWS_MAX = 1000;
const LINES_MAX = 2 ** 40;

export function addReplayOptions(command: Command): Command {
  const add = (option: Option): Command => command.addOption(option);
  add(new Option('--strict', 'end at a line that cannot be read, instead of counting it'));
  add(new Option('--faults', 'of a command: record its page faults, too (root)'));
  add(new Option('--save <file>', 'of a command: keep the recording'));
  add(new Option('--until <line>', 'end behind that line').argParser(whole(1, LINES_MAX)));
  command.optionsGroup('How to show it:');
  add(new Option('--show', 'draw the address spaces that are left in the end').conflicts('json'));
  add(new Option('--trace <file>', TRACE_HELP).argParser(tracePath));
  add(new Option('--proc <folder>', 'write /proc of the processes that are left'));
  add(new Option('--image <file>', IMAGE_HELP).argParser(imagePath));
  add(new Option('--json', 'print JSON (docs/replay.md) instead of text'));
  add(
    new Option('--top <rows>', 'differences, and rows of what --show draws')
      .argParser(whole(1, ROWS_MAX))
      .default(ROWS_DEFAULT),
  );
  add(new Option('--width <columns>', `at least ${WIDTH_MIN}`).argParser(whole(WIDTH_MIN, 10_000)));
  add(new Option('--no-color', 'no colour; NO_COLOR does the same'));
  return command;
}

const whole =
  (min: number, max: number) =>
  (text: string): number => {
    const value = /^\d{1,13}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`A whole number from ${min} to ${max} is wanted.`);
  };

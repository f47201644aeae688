/** The commands and options of a command line, as completion scripts need them. */
import type { Command, Option } from 'commander';

/** What can stand behind an option: nothing, a file, or something only the user knows. */
export type ValueKind = 'none' | 'file' | 'free';

export interface OptionModel {
  /** `--json`; every option has a long name. */
  readonly long: string;
  readonly short: string | undefined;
  readonly description: string;
  readonly value: ValueKind;
  /** The name of the value in the help, '' if there is none. */
  readonly valueName: string;
}

export interface CommandModel {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionModel[];
  /** What its first argument can be. */
  readonly choices: readonly string[];
  /** Whether its first argument is a file. */
  readonly takesFile: boolean;
}

export interface ProgramModel {
  readonly name: string;
  /** The first is the default command. */
  readonly commands: readonly CommandModel[];
  /** Of the program itself, before any command. */
  readonly options: readonly OptionModel[];
}

/** Names of values that are paths. */
const FILE_VALUES = ['file', 'folder', 'snapshot', 'before'];

export function modelOf(program: Command): ProgramModel {
  return {
    name: program.name(),
    commands: program.createHelp().visibleCommands(program).map(commandModel),
    options: optionModels(program),
  };
}

function commandModel(command: Command): CommandModel {
  return {
    name: command.name(),
    summary: command.summary() || command.description(),
    options: optionModels(command),
    choices: command.registeredArguments[0]?.argChoices ?? [],
    takesFile: /\bfile\b/.test(command.registeredArguments[0]?.name() ?? ''),
  };
}

function optionModels(command: Command): OptionModel[] {
  return command.createHelp().visibleOptions(command).map(optionModel);
}

function optionModel({ long, short, description, flags }: Option): OptionModel {
  const valueName = /<([^>]+)>/.exec(flags)?.[1] ?? '';
  const value = valueName === '' ? 'none' : FILE_VALUES.includes(valueName) ? 'file' : 'free';
  return { long: long!, short, description, value, valueName };
}

/** The spellings of options whose value is of a kind. */
export function spellings(options: readonly OptionModel[], kind: ValueKind): string[] {
  return options
    .filter(({ value }) => value === kind)
    .flatMap(({ long, short }) => (short === undefined ? [long] : [short, long]));
}

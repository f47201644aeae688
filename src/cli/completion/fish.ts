/** Completion for fish. */
import type { CommandModel, OptionModel, ProgramModel } from './model.ts';

export function fishScript({ name, commands, options }: ProgramModel): string {
  const names = commands.map((command) => command.name);
  const noCommand = `not __fish_seen_subcommand_from ${names.join(' ')}`;
  const lines = [
    `# ${name} for fish. Load it with: ${name} completion fish | source`,
    `complete -c ${name} -f`,
    ...commands.map(
      (command) =>
        `complete -c ${name} -n '${noCommand}' -a ${command.name} -d ${quoted(command.summary)}`,
    ),
    ...options.map((option) => optionLine(name, noCommand, option)),
    ...commands.flatMap((command, i) => commandLines(name, command, i === 0 ? names : [])),
  ];
  return `${lines.join('\n')}\n`;
}

/** @param names all commands, if this one is the default: it holds where no other is named */
function commandLines(program: string, command: CommandModel, names: readonly string[]): string[] {
  const others = names.filter((name) => name !== command.name);
  const condition =
    names.length > 0
      ? `not __fish_seen_subcommand_from ${others.join(' ')}`
      : `__fish_seen_subcommand_from ${command.name}`;
  return [
    ...command.options
      .filter(({ long }) => long !== '--help')
      .map((option) => optionLine(program, condition, option)),
    ...(command.choices.length > 0
      ? [`complete -c ${program} -n '${condition}' -a '${command.choices.join(' ')}'`]
      : []),
    ...(command.takesFile ? [`complete -c ${program} -n '${condition}' -F`] : []),
  ];
}

function optionLine(program: string, condition: string, option: OptionModel): string {
  const { long, short, description, value } = option;
  const names = `-l ${long.slice(2)}${short === undefined ? '' : ` -s ${short.slice(1)}`}`;
  const argument = { none: '', file: ' -r -F', free: ' -x' }[value];
  return `complete -c ${program} -n '${condition}' ${names}${argument} -d ${quoted(description)}`;
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}

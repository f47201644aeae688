/** Completion for zsh, sourced or from a folder of `fpath`. */
import type { CommandModel, OptionModel, ProgramModel } from './model.ts';

export function zshScript({ name, commands, options }: ProgramModel): string {
  const described = commands.map((command) =>
    quoted(`${command.name.replaceAll(':', '\\:')}:${command.summary}`),
  );
  const [first] = commands;
  return `#compdef ${name}
# ${name} for zsh. Load it with: source <(${name} completion zsh)
_${name}() {
  local -a commands=(
${described.map((line) => `    ${line}`).join('\n')}
  )
  local command=${first!.name}
  if (( CURRENT > 2 )) && [[ $words[2] == (${commands.map((entry) => entry.name).join('|')}) ]]; then
    command=$words[2]
    shift words
    (( CURRENT-- ))
  elif (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe command commands
    return
  fi
  case $command in
${commands.map((command, i) => commandCase(command, i === 0 ? options : [])).join('\n')}
  esac
}
if [[ $funcstack[1] == _${name} ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function commandCase(command: CommandModel, more: readonly OptionModel[]): string {
  const known = new Set(command.options.map(({ long }) => long));
  const all = [...command.options, ...more.filter(({ long }) => !known.has(long))];
  const specs = [
    ...all.map(optionSpec),
    ...(command.choices.length > 0
      ? [quoted(`1:${command.name}:(${command.choices.join(' ')})`)]
      : []),
    ...(command.takesFile ? [quoted('1:file:_files')] : []),
  ];
  return `    ${command.name})
      _arguments -S \\
${specs.map((spec) => `        ${spec}`).join(' \\\n')}
      ;;`;
}

function optionSpec({ long, description, value, valueName }: OptionModel): string {
  const text = description.replace(/[[\]:\\]/g, '\\$&');
  if (value === 'none') return quoted(`${long}[${text}]`);
  const action = value === 'file' ? '_files' : '( )';
  return quoted(`*${long}=[${text}]:${valueName.replaceAll(':', '\\:')}:${action}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

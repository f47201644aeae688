/** help(): what there is to call. */
import { constantNames } from '../constants.ts';
import { ScriptError } from '../script_error.ts';
import { type CallSpec, type Group, optional, signatureOf, text } from './spec.ts';

/** @param calls all calls, itself included */
export function helpCall(calls: () => readonly CallSpec[]): CallSpec & { readonly name: 'help' } {
  return {
    name: 'help',
    group: 'Looking',
    summary: 'all calls and constants, or one call: help(mmap)',
    parameters: [optional(text('call'), '')],
    perform: (_session, name: string) => ({
      kind: 'text',
      lines: name === '' ? overview(calls()) : explanation(calls(), name),
    }),
  };
}

const GROUPS: readonly Group[] = ['System calls', 'Touching memory', 'Processes', 'Looking'];
const NAME_WIDTH = 14;

function overview(calls: readonly CallSpec[]): string[] {
  return [
    ...GROUPS.flatMap((name) => [
      `${name}:`,
      ...calls
        .filter((spec) => spec.group === name)
        .map((spec) => `  ${spec.name.padEnd(NAME_WIDTH)}${spec.summary}`),
    ]),
    'Constants:',
    ...filled(constantNames()),
  ];
}

const LINE_WIDTH = 78;

/** `words` in lines that are not too wide. */
function filled(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= LINE_WIDTH) lines[lines.length - 1] = longer;
    else lines.push(`  ${word}`);
  }
  return lines;
}

function explanation(calls: readonly CallSpec[], name: string): string[] {
  const spec = calls.find((known) => known.name === name);
  if (spec === undefined) {
    throw new ScriptError(`There is no call ${name}`, 'help() lists them');
  }
  return [`${signatureOf(spec)}: ${spec.summary}`];
}

/** `/proc/PID/status`: who a process is, and what its tables weigh. */
import { ProcSyntaxError } from './syntax.ts';

export interface ProcessStatus {
  readonly name: string;
  readonly pid: number;
  /** Thread group: equal to `pid` for an entry of `/proc` itself. */
  readonly threadGroup: number;
  readonly parentPid: number;
  /** The effective user, whom `ps` shows. */
  readonly uid: number;
  readonly threads: number;
  /**
   * What Linux accounts to the address space; undefined without one. A kernel thread never has
   * one, a zombie has it no more, and a process that is ending has just lost it.
   */
  readonly memory: { readonly sizeBytes: number; readonly pteBytes: number } | undefined;
}

/** @throws ProcSyntaxError if a field that every process has is missing or not a number */
export function parseStatus(text: string): ProcessStatus {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    // The first one counts: a name cannot forge a line, because Linux escapes its newlines.
    if (colon > 0 && !fields.has(line.slice(0, colon))) {
      fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
    }
  }
  const pteBytes = optionalBytes(fields, 'VmPTE');
  return {
    name: unescapeName(field(fields, 'Name')),
    pid: integer(fields, 'Pid'),
    threadGroup: integer(fields, 'Tgid'),
    parentPid: integer(fields, 'PPid'),
    uid: integer(fields, 'Uid', 1),
    threads: integer(fields, 'Threads'),
    memory:
      pteBytes === undefined
        ? undefined
        : { sizeBytes: optionalBytes(fields, 'VmSize') ?? 0, pteBytes },
  };
}

type Fields = ReadonlyMap<string, string>;

function field(fields: Fields, name: string): string {
  const value = fields.get(name);
  if (value === undefined) throw new ProcSyntaxError(`${name} is there`, 'status', 1, '');
  return value;
}

/** The number in column `column` of a field. */
function integer(fields: Fields, name: string, column = 0): number {
  const value = field(fields, name);
  const word = value.split(/\s+/)[column] ?? '';
  if (!/^\d{1,15}$/.test(word)) {
    throw new ProcSyntaxError(`${name} is a number`, 'status', 1, value);
  }
  return Number(word);
}

function optionalBytes(fields: Fields, name: string): number | undefined {
  return fields.has(name) ? integer(fields, name) * 1024 : undefined;
}

/** @source linux fs/proc/array.c proc_task_name(): newline and backslash are escaped */
function unescapeName(name: string): string {
  return name.replace(/\\([n\\])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : '\\'));
}

/** The program that execve(2) starts: read from the host, where it is the one that was recorded. */
import { type ElfProgram, readElf } from './elf.ts';
import type { HostFacts } from './host.ts';

export interface LoadedFile {
  readonly path: string;
  readonly elf: ElfProgram;
}

export interface StartedProgram {
  /** `undefined` if nothing is known of it. */
  readonly image: LoadedFile | undefined;
  readonly interpreter: LoadedFile | undefined;
}

/** Scripts whose interpreters are scripts. @source fs/exec.c exec_binprm() (Linux 6.18) */
const SCRIPTS_MAX = 5;
const HASH_BANG = 0x2321;
const LINE_MAX = 256;

export function startedProgram(facts: HostFacts, path: string | undefined): StartedProgram {
  let image: LoadedFile | undefined;
  for (let next = path, depth = 0; next !== undefined && depth <= SCRIPTS_MAX; depth++) {
    const bytes: Uint8Array | undefined = next.startsWith('/')
      ? facts.readProgram(next)
      : undefined;
    if (bytes === undefined) break;
    const elf = readElf(bytes);
    if (elf !== undefined) {
      image = { path: next, elf };
      break;
    }
    next = interpreterOf(bytes);
  }
  return { image, interpreter: image && linkerOf(facts, image.elf) };
}

/** Of a script. */
function interpreterOf(bytes: Uint8Array): string | undefined {
  if (bytes.length < 3 || bytes[0]! * 256 + bytes[1]! !== HASH_BANG) return undefined;
  const line = String.fromCharCode(...bytes.subarray(2, LINE_MAX));
  return /^[ \t]*([^ \t\n\0]+)/.exec(line)?.[1];
}

function linkerOf(facts: HostFacts, { interpreter }: ElfProgram): LoadedFile | undefined {
  if (interpreter === undefined) return undefined;
  const bytes = facts.readProgram(interpreter);
  const elf = bytes && readElf(bytes);
  return elf && { path: interpreter, elf };
}

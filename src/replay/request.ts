/** Calls that concern an address space, as they were made. Bytes throughout. */
import { LineError } from './replay_error.ts';
import { type DescriptorText, descriptorOf, numberOf, type Result } from './strace/values.ts';

interface Range {
  readonly address: number;
  readonly length: number;
}

export type Request =
  | (Range & {
      readonly name: 'mmap';
      readonly prot: number;
      readonly flags: number;
      readonly fd: DescriptorText;
      readonly offset: number;
    })
  | (Range & { readonly name: 'munmap' | 'mlock' | 'munlock' })
  /** strace shows where the answer goes if there is none. */
  | (Range & { readonly name: 'mincore'; readonly vector: number | undefined })
  | (Range & { readonly name: 'mprotect'; readonly prot: number })
  | (Range & { readonly name: 'madvise'; readonly advice: number })
  | (Range & { readonly name: 'mlock2' | 'msync'; readonly flags: number })
  | (Range & {
      readonly name: 'mremap';
      readonly newLength: number;
      readonly flags: number;
      readonly newAddress: number;
    })
  | { readonly name: 'brk'; readonly address: number }
  | { readonly name: 'mlockall'; readonly flags: number }
  | { readonly name: 'munlockall' }
  | {
      readonly name: 'shmat';
      readonly segment: number;
      readonly address: number;
      readonly flags: number;
    }
  | { readonly name: 'shmdt'; readonly address: number };

type Reader = (args: readonly string[]) => Request;

const range = (args: readonly string[]): Range => ({
  address: numberOf(args[0]!),
  length: numberOf(args[1]!),
});

const pointerOf = (text = ''): number | undefined =>
  /^(?:NULL|0x[0-9a-f]+)$/.test(text) ? numberOf(text) : undefined;

/** How many arguments each call has, and what they are. */
const READERS: ReadonlyMap<string, readonly [least: number, read: Reader]> = new Map<
  string,
  readonly [number, Reader]
>([
  [
    'mmap',
    [
      6,
      (args) => ({
        name: 'mmap',
        ...range(args),
        prot: numberOf(args[2]!),
        flags: numberOf(args[3]!),
        fd: descriptorOf(args[4]!),
        offset: numberOf(args[5]!),
      }),
    ],
  ],
  ['munmap', [2, (args) => ({ name: 'munmap', ...range(args) })]],
  ['mlock', [2, (args) => ({ name: 'mlock', ...range(args) })]],
  ['munlock', [2, (args) => ({ name: 'munlock', ...range(args) })]],
  ['mincore', [2, (args) => ({ name: 'mincore', ...range(args), vector: pointerOf(args[2]) })]],
  ['mprotect', [3, (args) => ({ name: 'mprotect', ...range(args), prot: numberOf(args[2]!) })]],
  ['madvise', [3, (args) => ({ name: 'madvise', ...range(args), advice: numberOf(args[2]!) })]],
  ['mlock2', [3, (args) => ({ name: 'mlock2', ...range(args), flags: numberOf(args[2]!) })]],
  ['msync', [3, (args) => ({ name: 'msync', ...range(args), flags: numberOf(args[2]!) })]],
  [
    'mremap',
    [
      4,
      (args) => ({
        name: 'mremap',
        ...range(args),
        newLength: numberOf(args[2]!),
        flags: numberOf(args[3]!),
        newAddress: args[4] === undefined ? 0 : numberOf(args[4]),
      }),
    ],
  ],
  ['brk', [1, (args) => ({ name: 'brk', address: numberOf(args[0]!) })]],
  ['mlockall', [1, (args) => ({ name: 'mlockall', flags: numberOf(args[0]!) })]],
  ['munlockall', [0, () => ({ name: 'munlockall' })]],
  [
    'shmat',
    [
      3,
      (args) => ({
        name: 'shmat',
        segment: numberOf(args[0]!),
        address: numberOf(args[1]!),
        flags: numberOf(args[2]!),
      }),
    ],
  ],
  ['shmdt', [1, (args) => ({ name: 'shmdt', address: numberOf(args[0]!) })]],
]);

export function isRequest(name: string): boolean {
  return READERS.has(name);
}

/** @throws LineError */
export function readRequest(name: string, args: readonly string[]): Request {
  const [least, read] = READERS.get(name)!;
  if (args.length < least) throw new LineError(`${name} has ${least} arguments`);
  return read(args);
}

/** The end of what a process can have: TASK_SIZE. */
const TASK_BYTES = 2 ** 47 - 4096;

/** Refuses an answer that no kernel gives. @throws LineError */
export function checkResult(request: Request, result: Result): void {
  if (result.kind !== 'returned') return;
  const { value } = result;
  let bytes = 0;
  if (request.name === 'mmap') bytes = request.length;
  else if (request.name === 'mremap') bytes = request.newLength;
  else if (request.name !== 'brk' && request.name !== 'shmat') return;
  const isAligned = request.name === 'brk' || value % 4096 === 0;
  const isWithin = value >= 0 && bytes >= 0 && value + bytes <= TASK_BYTES;
  if (!isAligned || !isWithin) throw new LineError('no process can have such an address');
}

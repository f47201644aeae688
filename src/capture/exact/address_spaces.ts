/**
 * Every address space of the host, found through the kernel's list of root tables: it holds those
 * that no process runs in too (the one the kernel patches its code through, those being torn down).
 */
import { type KernelReader, pointerAt } from './kernel_reader.ts';
import { listNodes } from './lists.ts';
import { type PageStructs, readPointer } from './page_structs.ts';
import { ExactModeUnavailable } from './unavailable.ts';

export interface AddressSpace {
  /** Address of the mm_struct. */
  readonly mm: bigint;
  readonly rootFrame: number;
  /** Processes that run in it, as the initial pid namespace numbers them. */
  readonly pids: readonly number[];
  /** Name of the first of them, '' if there is none. */
  readonly comm: string;
}

const COMM_BYTES = 16;
/** PID_MAX_LIMIT of Linux. */
const TASKS_MAX = 1 << 22;

/**
 * A process whose first thread has ended, but not the others, is listed without its pid.
 *
 * @throws ExactModeUnavailable if this kernel's structures differ too much, or never hold still
 */
export function listAddressSpaces(reader: KernelReader, pages: PageStructs): AddressSpace[] {
  const processes = processesByMm(reader);
  const listAt = BigInt(reader.btf.offsetOf('ptdesc', 'pt_list'));
  const mmAt = BigInt(reader.btf.offsetOf('ptdesc', 'pt_mm'));
  const own = pages.addressOf(pages.ownRootFrame) + listAt;
  const roots = wholeList(reader, own)
    .map((node) => ({ node, frame: pages.frameOf(node - listAt) }))
    // The head of the list is a variable of the kernel's, not part of any `struct page`.
    .filter((root) => root.frame !== undefined);
  const spaces: AddressSpace[] = [];
  reader.read(
    roots.map(({ node }) => node - listAt + mmAt),
    8,
    (words, index) => {
      if (words === undefined) return;
      const mm = pointerAt(words, 0);
      const users = processes.get(mm);
      const rootFrame = roots[index]!.frame!;
      spaces.push({ mm, rootFrame, pids: users?.pids ?? [], comm: users?.comm ?? '' });
    },
  );
  return spaces;
}

function processesByMm(reader: KernelReader): Map<bigint, { pids: number[]; comm: string }> {
  const { btf, currentTask } = reader;
  const at = {
    tasks: BigInt(btf.offsetOf('task_struct', 'tasks')),
    mm: btf.offsetOf('task_struct', 'mm'),
    pid: btf.offsetOf('task_struct', 'pid'),
    comm: btf.offsetOf('task_struct', 'comm'),
  };
  const leader = readPointer(reader, currentTask, btf.offsetOf('task_struct', 'group_leader'));
  const tasks = wholeList(reader, leader + at.tasks).map((node) => node - at.tasks);
  const found = new Map<bigint, { pids: number[]; comm: string }>();
  reader.read(tasks, Math.max(at.mm, at.pid, at.comm) + COMM_BYTES, (words) => {
    const mm = words === undefined ? 0n : pointerAt(words, at.mm);
    if (words === undefined || mm === 0n) return;
    const pid = words[at.pid / 4]!;
    const users = found.get(mm);
    if (users !== undefined) users.pids.push(pid);
    else found.set(mm, { pids: [pid], comm: textAt(words, at.comm) });
  });
  return found;
}

function wholeList(reader: KernelReader, first: bigint): bigint[] {
  const nodes = listNodes(reader, first, TASKS_MAX);
  if (nodes === undefined) {
    throw new ExactModeUnavailable(
      'processes come and go faster than they are listed',
      'try again',
    );
  }
  return nodes;
}

function textAt(words: Uint32Array, offset: number): string {
  const bytes = Buffer.from(words.buffer, words.byteOffset + offset, COMM_BYTES);
  return bytes.toString('utf8', 0, bytes.indexOf(0));
}

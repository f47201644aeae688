/**
 * What is behind a VMA: which object, and of what kind.
 *
 * Two lines of maps show one object if device and inode agree. Three things need more than that: a
 * System V segment, whose inode is its id in its own IPC namespace; kernel-made mappings, which
 * share one inode or have none; and an inode number that a deleted file left to a new one.
 */
import type { MapsLine } from '../proc/maps.ts';
import type { MappedObject, ObjectKind } from '../snapshot/records.ts';
import type { Devices } from './devices.ts';

/** Index of `Vma.object` for memory without an object. */
export const ANONYMOUS = -1;
/** The device of a line of maps without a file. */
const NO_DEVICE = '00:00';

/**
 * Whether Linux calls the VMA anonymous (`vma_is_anonymous()`): only there an anonymous huge page
 * can be. A private mapping of /dev/zero is such memory too.
 */
export function isAnonymous(line: MapsLine): boolean {
  if (line.device === NO_DEVICE) return /^(\[(heap|stack|anon:).*)?$/s.test(line.name);
  return line.name === '/dev/zero' && !line.shared && !line.deleted;
}

/** All objects of one capture, each once. */
export class ObjectTable {
  readonly #devices: Devices;
  readonly #basePageBytes: number;
  readonly #indexes = new Map<string, number>();
  readonly #objects: MappedObject[] = [];

  constructor(devices: Devices, basePageBytes: number) {
    this.#devices = devices;
    this.#basePageBytes = basePageBytes;
  }

  get objects(): readonly MappedObject[] {
    return this.#objects;
  }

  /**
   * @param ipcNamespace of the process, asked for only where a System V segment needs it
   * @returns an index into `objects`, or `ANONYMOUS`
   */
  indexOf(line: MapsLine, ipcNamespace: () => string): number {
    if (isAnonymous(line)) return ANONYMOUS;
    let identity = `${line.device} ${line.inode} ${line.deleted}`;
    if (isSysv(line)) identity += ` ${line.name} ${ipcNamespace()}`;
    else if (!line.name.startsWith('/')) identity += ` ${line.name}`;

    const known = this.#indexes.get(identity);
    if (known !== undefined) return known;
    const index = this.#objects.length;
    this.#objects.push(this.#describe(line));
    this.#indexes.set(identity, index);
    return index;
  }

  #describe(line: MapsLine): MappedObject {
    const hugePageBytes = this.#devices.hugePageBytesOf(line);
    return {
      kind: hugePageBytes === undefined ? kindOf(line, this.#devices) : 'hugetlb',
      name: detached(line.name),
      device: line.device,
      inode: detached(line.inode),
      deleted: line.deleted,
      pageBytes: hugePageBytes ?? this.#basePageBytes,
    };
  }
}

function isSysv(line: MapsLine): boolean {
  return line.deleted && line.name.startsWith('/SYSV');
}

/** The kind of an object that is neither anonymous nor hugetlb. */
function kindOf(line: MapsLine, devices: Devices): ObjectKind {
  const { name } = line;
  if (name.startsWith('[anon_shmem:')) return 'shared-anon';
  // `[vdso]`, `anon_inode:[perf_event]`, `socket:[123]`, `/[aio]`
  if (!name.startsWith('/') || name.startsWith('/[')) return 'special';
  if (line.deleted && devices.mayBeInternalShmem(line.device)) {
    if (name === '/dev/zero') return 'shared-anon';
    if (isSysv(line)) return 'sysv';
    if (name.startsWith('/memfd:')) return 'memfd';
  }
  if (devices.isTmpfs(line.device)) return 'shmem';
  return /^\/(dev|sys|proc)\//.test(name) ? 'device' : 'file';
}

/** A copy that does not keep the whole text of maps in memory, as a part of it would. */
export function detached(name: string): string {
  return Buffer.from(name).toString();
}

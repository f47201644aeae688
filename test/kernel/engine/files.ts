/** The open files and segments of a program: all its processes have the same. */
import type { Inode, Machine, OpenFile, Task } from '../../../src/mm/index.ts';
import { ACCESS, type Call, FILE, PLACE, SHMCTL } from '../calls.ts';
import type { Backing } from '../report.ts';
import { mm } from './build.ts';

const ERRNO = { ENOENT: 2, ESPIPE: 29 } as const;
const EXT4_PAGES_MAX = 2 ** 32;
const TMPFS_PAGES_MAX = 2 ** 51;
const NEVER_MAPPED = {
  mapped: undefined,
  isReadable: true,
  isWritable: false,
  pagesMax: 2 ** 52,
} as const;

export class Files {
  readonly #machine: Machine;
  readonly #cpu: number;
  readonly #open = new Map<number, OpenFile>([
    [FILE.directory, { ...NEVER_MAPPED, isExecutable: true }],
    [FILE.pipe, { ...NEVER_MAPPED, isExecutable: false }],
  ]);
  /** The engine's number of each segment: the last that was made under the program's number. */
  readonly #segments = new Map<number, number>();
  readonly #segmentsEver: number[] = [];
  readonly #madeBy = new Map<Inode, Backing>();
  readonly #shared = new Map<Inode, number>();

  constructor(machine: Machine, cpu: number) {
    this.#machine = machine;
    this.#cpu = cpu;
  }

  find(file: number): OpenFile | undefined {
    return this.#open.get(file);
  }

  backing(inode: Inode): Backing {
    const known = this.#madeBy.get(inode);
    if (known !== undefined) return known;
    if (!this.#shared.has(inode)) this.#shared.set(inode, this.#shared.size);
    return { kind: 'shared', number: this.#shared.get(inode)! };
  }

  /** The result of a call on files or segments, or a negative errno. */
  perform(task: Task, id: number, call: Call, address: number): number {
    switch (call.name) {
      case 'memfd_create': {
        const file = mm.memfdCreate(task, call.nameLength, call.flags);
        return typeof file === 'number' ? file : this.#keep(call.file, file, id);
      }
      case 'open':
        return this.#keep(call.file, this.#newFile(call.place), id);
      case 'reopen':
        return this.#reopen(call);
      case 'ftruncate':
        return mm.run(mm.ftruncate(task, this.find(call.file), call.length));
      case 'fallocate': {
        const { mode, offset, length } = call;
        return mm.run(mm.fallocate(task, this.find(call.file), mode, offset, length));
      }
      case 'fill':
        return this.#fill(task, call);
      case 'shmget':
        return this.#newSegment(task, id, call);
      case 'shmat':
        return mm.run(mm.shmat(task, this.#segment(call.segment), address, call.flags));
      case 'shmdt':
        return mm.run(mm.shmdt(task, address));
      case 'shmctl':
        return mm.run(mm.shmctl(task, this.#segment(call.segment), call.command));
      default:
        throw new Error(`Cannot compare: the engine has no ${call.name}`);
    }
  }

  /** Gives all files and segments back: they go with the last who maps them. */
  close(): void {
    const place = { machine: this.#machine, cpu: this.#cpu };
    for (const file of this.#open.keys()) this.#close(file);
    for (const segment of this.#segmentsEver) mm.run(mm.shmctl(place, segment, SHMCTL.rmid));
  }

  #newFile(place: number): OpenFile {
    const isExt4 = place === PLACE.ext4;
    const fileSystem = isExt4 ? 'ext4' : 'tmpfs';
    return {
      mapped: { inode: mm.newInode(this.#machine, this.#cpu, { fileSystem }) },
      isReadable: true,
      isWritable: true,
      isExecutable: true,
      pagesMax: isExt4 ? EXT4_PAGES_MAX : TMPFS_PAGES_MAX,
    };
  }

  /** Gives a new file its number, in the place of another one. */
  #keep(number: number, file: OpenFile, madeBy?: number): number {
    if (madeBy !== undefined) this.#madeBy.set(file.mapped!.inode, { kind: 'file', step: madeBy });
    this.#close(number);
    this.#open.set(number, file);
    return 0;
  }

  #close(number: number): void {
    const inode = this.#open.get(number)?.mapped?.inode;
    if (inode === undefined) return;
    mm.run(mm.closeInode({ machine: this.#machine, cpu: this.#cpu }, inode));
  }

  #reopen({ file, from, access }: Call<'reopen'>): number {
    const known = this.#open.get(from);
    if (known?.mapped === undefined) return -ERRNO.ENOENT;
    const { inode } = known.mapped;
    mm.run(mm.getInode({ machine: this.#machine, cpu: this.#cpu }, inode));
    return this.#keep(file, {
      ...known,
      mapped: { inode },
      isReadable: access !== ACCESS.writeonly,
      isWritable: access !== ACCESS.readonly,
    });
  }

  #fill(task: Task, { file, offset, length, byte }: Call<'fill'>): number {
    if (file === FILE.pipe) return -ERRNO.ESPIPE;
    const opened = this.find(file);
    return opened === undefined
      ? mm.EBADF
      : mm.run(mm.writeFile(task, opened, offset, length, byte));
  }

  #newSegment(task: Task, id: number, { segment, length, flags }: Call<'shmget'>): number {
    const number = mm.run(mm.shmget(task, length, flags));
    if (number < 0) return number;
    // The number may have been that of a segment that is gone.
    for (const [other, known] of this.#segments) if (known === number) this.#segments.delete(other);
    this.#segments.set(segment, number);
    this.#segmentsEver.push(number);
    const { inode } = this.#machine.segments.get(number);
    this.#madeBy.set(inode, { kind: 'segment', step: id });
    return 0;
  }

  #segment(segment: number): number {
    return this.#segments.get(segment) ?? -1;
  }
}

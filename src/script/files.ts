/** What processes have open, and which files there are. */
import type * as engine from '../mm/index.ts';
import { EMFILE, ENOENT } from '../uapi/errno.ts';
import { O } from './constants.ts';
import { LIMITS } from './limits.ts';
import type { Engine } from './machine.ts';

type Run = <T>(operation: engine.Op<T>) => T;

/** 0 to 2 are the standard streams of a process. */
const FIRST_DESCRIPTOR = 3;

/** The descriptors of a process. */
export class Files {
  readonly #mm: Engine;
  readonly #run: Run;
  readonly #open = new Map<number, engine.OpenFile>();

  constructor(mm: Engine, run: Run) {
    this.#mm = mm;
    this.#run = run;
  }

  get(descriptor: number): engine.OpenFile | undefined {
    return this.#open.get(descriptor);
  }

  /** Enters a file, whose reference this takes over. @returns the descriptor, or EMFILE */
  add(file: engine.OpenFile): number {
    let descriptor = FIRST_DESCRIPTOR;
    while (this.#open.has(descriptor)) descriptor++;
    if (descriptor >= LIMITS.files) return EMFILE;
    this.#open.set(descriptor, file);
    return descriptor;
  }

  /** @returns whether it was open */
  close(task: engine.Task, descriptor: number): boolean {
    const file = this.#open.get(descriptor);
    if (file === undefined) return false;
    this.#open.delete(descriptor);
    this.#run(this.#mm.closeInode(task, file.mapped!.inode));
    return true;
  }

  closeAll(task: engine.Task): void {
    for (const descriptor of [...this.#open.keys()]) this.close(task, descriptor);
  }

  /** Those of a child: the same open files. */
  copy(task: engine.Task): Files {
    const files = new Files(this.#mm, this.#run);
    for (const [descriptor, file] of this.#open) {
      this.#run(this.#mm.getInode(task, file.mapped!.inode));
      files.#open.set(descriptor, file);
    }
    return files;
  }
}

/** Files that have a path. They stay as long as the machine. */
export class Disk {
  readonly #mm: Engine;
  readonly #run: Run;
  readonly #inodeNames: WeakMap<engine.Inode, string>;
  readonly #inodes = new Map<string, engine.Inode>();

  constructor(mm: Engine, run: Run, inodeNames: WeakMap<engine.Inode, string>) {
    this.#mm = mm;
    this.#run = run;
    this.#inodeNames = inodeNames;
  }

  /** @returns the descriptor, or a negative errno */
  open(task: engine.Task, files: Files, path: string, flags: number): number {
    const known = this.#inodes.get(path);
    if (known === undefined && (flags & O.O_CREAT) === 0) return ENOENT;
    if (known !== undefined && (flags & (O.O_CREAT | O.O_EXCL)) === (O.O_CREAT | O.O_EXCL)) {
      return this.#mm.EEXIST;
    }
    const inode = known ?? this.#create(task, path);
    const access = flags & 3;
    const file = {
      mapped: { inode },
      isReadable: access !== O.O_WRONLY,
      isWritable: access !== O.O_RDONLY,
      isExecutable: true,
      pagesMax: inode.fileSystem === 'ext4' ? 2 ** 32 : 2 ** 51,
    };
    this.#run(this.#mm.getInode(task, inode));
    const descriptor = files.add(file);
    if (descriptor < 0) this.#run(this.#mm.closeInode(task, inode));
    else if ((flags & O.O_TRUNC) !== 0 && file.isWritable) {
      this.#run(this.#mm.ftruncate(task, file, 0));
    }
    return descriptor;
  }

  /** A new file, kept by its path. */
  #create({ machine, cpu }: engine.Task, path: string): engine.Inode {
    const fileSystem = /^\/dev\/shm(\/|$)/.test(path) ? 'tmpfs' : 'ext4';
    const inode = this.#mm.newInode(machine, cpu, { fileSystem });
    this.#inodeNames.set(inode, path);
    this.#inodes.set(path, inode);
    return inode;
  }
}

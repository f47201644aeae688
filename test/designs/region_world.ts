/** A small machine with a region, for tests of the rules of mshare: one CPU, so nothing has to wait. */
import assert from 'node:assert/strict';
import { formatById, type Vpn } from '../../src/arch/index.ts';
import * as d from '../../src/designs/index.ts';
import * as mm from '../../src/mm/index.ts';

export const PAGE = 4096;
/** 512 GiB. */
export const SPAN = 512 * 2 ** 30;
export const O = { RDONLY: 0, RDWR: 2, CREAT: 0o100, EXCL: 0o200, TRUNC: 0o1000 } as const;
export const MAP = {
  SHARED: 1,
  PRIVATE: 2,
  FIXED: 0x10,
  ANONYMOUS: 0x20,
  HUGETLB: 0x40000,
} as const;
const { run } = mm;

/** What a rule is tried on. */
export class RegionWorld {
  readonly variant: d.MshareVariant;
  readonly machine: mm.Machine;
  readonly mount: d.msharefs.Mount;
  /** Who opens the region first, and so owns it; and two others. */
  readonly owner: mm.Task;
  readonly others: readonly mm.Task[];

  constructor(
    variant: d.MshareVariant,
    format = 'x86_64-4level',
    { designs = [], ...more }: Partial<mm.WorldSize> & { designs?: readonly d.Design[] } = {},
  ) {
    this.variant = variant;
    const size = { mms: 8, frames: 64, tables: 48, vmas: 32, inodes: 16 };
    const machine = new mm.Machine({ format: formatById(format)!, ...size, ...more }, {}, [
      d.mshare(variant),
      ...designs,
    ]);
    this.machine = machine;
    const task = (): mm.Task => run(mm.newProcess(machine, 0))!;
    this.owner = task();
    this.others = [task(), task()];
    this.mount = d.msharefs.mountMsharefs({ machine });
  }

  /** A file of msharefs, of no size yet. */
  open(
    path = 'region',
    flags: number = O.RDWR | O.CREAT,
    task = this.owner,
  ): d.msharefs.MsharefsFile {
    const file = run(d.msharefs.open(task, this.mount, path, flags));
    assert.ok(typeof file !== 'number', `open() returned ${file}`);
    return file;
  }

  /** A region of `slots` times 512 GiB. */
  region(slots = 1): d.msharefs.MsharefsFile {
    const file = this.open();
    assert.equal(run(mm.ftruncate(this.owner, file, slots * SPAN)), 0);
    return file;
  }

  attach(task: mm.Task, file: mm.OpenFile, more: Partial<mm.MmapArguments> = {}): number {
    const call = { address: 0, length: SPAN, prot: 3, flags: MAP.SHARED, offset: 0 };
    return run(mm.mmap(task, { ...call, file, ...more }));
  }

  create(file: mm.OpenFile, more: Partial<d.MshareCreate> = {}, files = NO_FILES): number {
    const flags = MAP.SHARED | MAP.FIXED | MAP.ANONYMOUS;
    const create = { regionOffset: 0, size: PAGE, offset: 0, prot: 3, flags, fd: -1, ...more };
    return this.ioctl(file, d.MSHAREFS.CREATE_MAPPING, d.encodeCreate(create), files);
  }

  unmap(file: mm.OpenFile, regionOffset: number, size: number, isKilled = false): number {
    const bytes = d.encodeUnmap({ regionOffset, size });
    return this.ioctl(file, d.MSHAREFS.UNMAP, bytes, { ...NO_FILES, isKilled });
  }

  ioctl(
    file: mm.OpenFile,
    command: number,
    bytes: Uint8Array | undefined,
    caller: d.Caller = NO_FILES,
  ): number {
    return run(d.ioctl(this.variant, this.owner, file, command, bytes, caller));
  }

  /** The region of `file`, and its host. */
  hostOf(file: mm.OpenFile): mm.Mm {
    return d.hostOf(this.machine, d.regionOfInode(this.machine, file.mapped!.inode)!);
  }

  /** How many faults an access takes, and how the last one ends. */
  faults(task: mm.Task, address: number, access: mm.Access = mm.Access.WRITE): [number, mm.Fault] {
    let count = 0;
    let result: mm.Fault = mm.Fault.DONE;
    while (result === mm.Fault.DONE && !this.isMapped(task, address / PAGE)) {
      result = run(mm.handleUserFault(task, address / PAGE, access));
      count++;
    }
    return [count, result];
  }

  isMapped({ mm: { root } }: mm.Task, page: number): boolean {
    const { format, tableEntries } = this.machine;
    let table = root;
    for (let level = format.levels - 1; ; level--) {
      const slot = table * tableEntries + format.index(page as Vpn, level);
      if (!mm.isPresentAt(this.machine, slot)) return false;
      if (level === 0) return true;
      table = mm.tableAt(this.machine, slot, level);
    }
  }

  /** The share count of the table of the first 512 GiB, if there is one. */
  shares(file: mm.OpenFile): number | undefined {
    const { machine } = this;
    const { root } = this.hostOf(file);
    const slot = root * machine.tableEntries + machine.format.index((SPAN / PAGE) as Vpn, 3);
    if (!mm.isPresentAt(machine, slot)) return undefined;
    return machine.tableShares[mm.tableAt(machine, slot, 3)];
  }

  /** Everything is as it should be. */
  check(): void {
    mm.audit(this.machine);
    d.auditMshare(this.machine);
    assert.equal(mm.violationOf(this.machine), undefined);
  }
}

export const NO_FILES: d.Caller = { files: () => undefined };

/**
 * What must hold in every snapshot, whoever made it. Checked before one is written and after one
 * was read, so that the layers above need not check it a third time.
 */
import { type Geometry, geometryById, slotPages, slotsPerTable } from '../arch/geometry.ts';
import { assert } from '../base/assert.ts';
import { PROT } from '../uapi/mman.ts';
import { checkHeader } from './header.ts';
import { DEFAULT_LIMITS, type SnapshotLimits, TEXT_LENGTH_MAX } from './limits.ts';
import {
  type HostSnapshot,
  type MappedObject,
  type Mm,
  OBJECT_KINDS,
  RUN_KIND_MAX,
  type Runs,
  VISIBILITIES,
  type Vma,
} from './records.ts';
import { Mend, SnapshotError } from './snapshot_error.ts';

const PID_MAX = 2 ** 31 - 1;
const UID_MAX = 2 ** 32 - 1;
const CONTENT_MAX = 2 ** 31 - 1;
const PROTECTION_MAX = PROT.READ | PROT.WRITE | PROT.EXEC;

/** @throws SnapshotError for the first record that is not as `records.ts` says, or over a limit */
export function validateSnapshot(
  snapshot: HostSnapshot,
  limits: SnapshotLimits = DEFAULT_LIMITS,
): void {
  const { takenAt, host, coverage, objects, mms } = snapshot;
  checkHeader({ takenAt, host, coverage });
  const geometry = geometryById(host.geometry);
  assert(geometry !== undefined, 'a checked header names a known geometry');

  const check = new Check(geometry, objects.length, limits);
  objects.forEach((object, index) => {
    check.object(object, `object ${index}`);
  });
  for (const mm of mms) check.mm(mm, `process ${mm.pid}`);
}

/** Every number of a snapshot is a count or a position. */
function isCount(value: number, max = Number.MAX_SAFE_INTEGER): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

function require(condition: boolean, place: string, what: string): asserts condition {
  if (!condition) throw new SnapshotError(place, what);
}

class Check {
  readonly #geometry: Geometry;
  readonly #objects: number;
  readonly #limits: SnapshotLimits;
  readonly #slotPages: number;
  readonly #addressSlots: number;
  readonly #pids = new Set<number>();
  #textLength = 0;

  constructor(geometry: Geometry, objects: number, limits: SnapshotLimits) {
    this.#geometry = geometry;
    this.#objects = objects;
    this.#limits = limits;
    this.#slotPages = slotPages(geometry);
    this.#addressSlots = slotsPerTable(geometry, geometry.levels - 1);
  }

  object(object: MappedObject, place: string): void {
    require(OBJECT_KINDS.includes(object.kind), place, 'its kind is not known');
    require(/^[\da-f]{2,8}:[\da-f]{2,8}$/.test(
      object.device,
    ), place, 'its device is not major:minor');
    require(/^\d{1,20}$/.test(object.inode), place, 'its inode is not a number');
    const { pageBytes } = this.#geometry;
    require(isCount(object.pageBytes / pageBytes), place, 'its page size is no multiple of a page');
    require(object.pageBytes > 0, place, 'its page size is 0');
    this.#text(object.name, place);
  }

  mm(mm: Mm, place: string): void {
    this.#pid(mm.pid, place);
    for (const pid of mm.sharers) this.#pid(pid, place);
    require(isCount(mm.parentPid, PID_MAX), place, 'its parent is not a pid');
    require(isCount(mm.uid, UID_MAX), place, 'its uid is not a uid');
    require(VISIBILITIES.includes(mm.visibility), place, 'its visibility is not known');
    // A deposit beside every PTE table, or the tables above it, cannot take more than that.
    require(isCount(mm.vmPtePages, 2 * this.#addressSlots), place, 'its VmPTE is not plausible');
    for (const text of [mm.comm, mm.commandLine, mm.cgroup]) this.#text(text, place);
    if (mm.visibility === 'status') {
      require(mm.vmas.length === 0, place, 'it has mappings, although only its status was seen');
    }

    let floor = 0;
    mm.vmas.forEach((vma, index) => {
      this.#vma(vma, floor, `${place}, mapping ${index}`);
      floor = vma.end;
    });
    this.#runs(mm, place);
  }

  #pid(pid: number, place: string): void {
    require(isCount(pid, PID_MAX), place, 'a pid is not a pid');
    require(pid > 0, place, 'a pid is 0');
    require(!this.#pids.has(pid), place, 'a pid occurs twice');
    this.#pids.add(pid);
    if (this.#pids.size > this.#limits.processes) {
      throw new SnapshotError(place, 'there are more processes than allowed', Mend.TOO_LARGE);
    }
  }

  #vma(vma: Vma, floor: number, place: string): void {
    require(isCount(vma.start), place, 'its start is not a page number');
    require(vma.start >= floor, place, 'it begins below the end of the mapping before it');
    require(isCount(vma.end), place, 'its end is not a page number');
    require(vma.start < vma.end, place, 'it is empty');
    const pages = this.#addressSlots * this.#slotPages;
    require(vma.end <= pages, place, 'it ends behind the address space');
    require(isCount(vma.protection, PROTECTION_MAX), place, 'its protection is not known');
    require(isCount(vma.offset), place, 'its offset is not a number of pages');
    require(vma.object >= -1, place, 'its object is below -1');
    require(isCount(vma.object + 1, this.#objects), place, 'its object does not exist');
    this.#text(vma.label, place);
  }

  #runs({ vmas, runs }: Mm, place: string): void {
    for (const column of [runs.vma, runs.slot, runs.count, runs.kind, runs.pages, runs.content]) {
      require(column.length === runs.length, place, 'the columns of its runs differ in length');
    }
    let vma = 0;
    let floor = 0;
    for (let i = 0; i < runs.length; i++) {
      const owner = runs.vma[i]!;
      const slot = runs.slot[i]!;
      require(owner >= vma, place, 'its runs are not sorted by mapping');
      require(owner < vmas.length, place, 'a run belongs to no mapping');
      if (owner > vma) floor = 0;
      require(slot >= floor, place, 'its runs are not sorted by slot');
      this.#run(runs, i, vmas[owner]!, place);
      vma = owner;
      floor = slot + runs.count[i]!;
    }
  }

  #run(runs: Runs, i: number, vma: Vma, place: string): void {
    const slot = runs.slot[i]!;
    const count = runs.count[i]!;
    const kind = runs.kind[i]!;
    const content = runs.content[i]!;
    require(isCount(slot), place, 'a slot is not a number');
    require(count > 0, place, 'a run is empty');
    require(slot >=
      Math.floor(vma.start / this.#slotPages), place, 'a run begins below its mapping');
    const end = Math.ceil(vma.end / this.#slotPages);
    require(slot + count <= end, place, 'a run ends behind its mapping');
    require(kind > 0 && kind <= RUN_KIND_MAX, place, 'the kind of a run is not known');
    require(isCount(runs.pages[i]!, count * this.#slotPages), place, 'a run has too many pages');
    require(content >= 0, place, 'a content id is negative');
    require(content + count - 1 <= CONTENT_MAX, place, 'a content id is too large');
  }

  #text(text: string, place: string): void {
    this.#textLength += text.length;
    if (text.length > TEXT_LENGTH_MAX || this.#textLength > this.#limits.textLength) {
      throw new SnapshotError(place, 'its names take more space than allowed', Mend.TOO_LARGE);
    }
  }
}

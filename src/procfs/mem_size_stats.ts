/**
 * What smaps counts of the pages of VMAs, in bytes.
 *
 * @source fs/proc/task_mmu.c struct mem_size_stats, smaps_pte_entry(), smaps_pmd_entry(),
 *         smaps_account(), smaps_hugetlb_range() (Linux 6.18)
 * @omits  folios that were referenced other than by page tables; pages of shmem in swap; KSM
 */
import { ACCESSED, DIRTY } from '../arch/index.ts';
import {
  FrameFlag,
  type HugetlbShares,
  hugetlbShares,
  isAnonymousFrame,
  isHugetlb,
  isMappedAt,
  type Machine,
  type Mm,
  mappedFlagsAt,
  mappedFrameAt,
  mmapReadLock,
  mmapReadUnlock,
  type Op,
  run,
  SoftKind,
  softKindAt,
  softValueAt,
  type Task,
  VM,
  type Vma,
  type WalkForm,
} from '../mm/index.ts';
import { visitEntries } from './entries.ts';
import { folioFlags, isZeroFrame, mapcountOf } from './frames.ts';

/** A proportional share counts in this part of a byte. */
const PSS_SCALE = 4096;

export class MemSizeStats {
  resident = 0;
  sharedClean = 0;
  sharedDirty = 0;
  privateClean = 0;
  privateDirty = 0;
  referenced = 0;
  anonymous = 0;
  lazyFree = 0;
  anonymousHuge = 0;
  shmemHuge = 0;
  fileHuge = 0;
  sharedHugetlb = 0;
  privateHugetlb = 0;
  swap = 0;
  /** In parts of a byte. */
  pss = 0;
  pssDirty = 0;
  pssAnon = 0;
  pssFile = 0;
  pssShmem = 0;
  pssLocked = 0;
  swapPss = 0;

  readonly #machine: Machine;
  readonly #pageBytes: number;
  readonly #form: WalkForm | undefined;

  constructor(machine: Machine, form?: WalkForm) {
    this.#machine = machine;
    this.#form = form;
    this.#pageBytes = 2 ** machine.format.pageShift;
  }

  /** Adds all pages of `vma`, which is of `mm`. */
  addVma(mm: Mm, vma: Vma): void {
    if (isHugetlb(vma)) {
      this.#addHugetlb(mm, vma);
      return;
    }
    visitEntries(
      this.#machine,
      mm,
      vma.start,
      vma.end,
      (_, slot, level) => this.#addEntry(vma, slot, level),
      this.#form,
    );
  }

  #addHugetlb(mm: Mm, vma: Vma): void {
    const shares = run(readShares({ machine: this.#machine, cpu: 0, mm }, vma, this.#form));
    this.sharedHugetlb += shares.shared * this.#pageBytes;
    this.privateHugetlb += shares.private * this.#pageBytes;
  }

  #addEntry(vma: Vma, slot: number, level: number): void {
    const machine = this.#machine;
    if (isMappedAt(machine, slot, level)) {
      const frame = mappedFrameAt(machine, slot, level);
      if (isZeroFrame(machine, frame)) return;
      this.#addMapped(vma, frame, level, mappedFlagsAt(machine, slot));
      return;
    }
    const kind = softKindAt(machine, slot);
    if (kind === SoftKind.SWAP) this.#addSwapped(softValueAt(machine, slot));
    else if (kind === SoftKind.MIGRATION) this.#addMoving(vma, softValueAt(machine, slot), level);
  }

  #addMapped(vma: Vma, frame: number, level: number, flags: number): void {
    const machine = this.#machine;
    const isDirty = (flags & DIRTY) !== 0;
    const pages = machine.format.entryPages[level]!;
    this.#addFolioPart(frame, level, isDirty, (flags & ACCESSED) !== 0);
    for (let at = frame; at < frame + pages; at++) {
      const mapcount = mapcountOf(machine, at);
      this.#accumulate(vma, at, this.#pageBytes, Math.max(mapcount, 1), mapcount < 2, isDirty);
    }
  }

  /** How often a page is mapped that is on the move cannot be told: it counts as shared. */
  #addMoving(vma: Vma, frame: number, level: number): void {
    const bytes = this.#machine.format.entryPages[level]! * this.#pageBytes;
    this.#addFolioPart(frame, level, false, false);
    this.#accumulate(vma, frame, bytes, 1, false, false);
  }

  /** What counts the same whoever else maps it. */
  #addFolioPart(frame: number, level: number, isDirty: boolean, isYoung: boolean): void {
    const flags = folioFlags(this.#machine, frame);
    const bytes = this.#machine.format.entryPages[level]! * this.#pageBytes;
    const isSwapbacked = (flags & FrameFlag.SWAPBACKED) !== 0;
    const isAnonymous = isAnonymousFrame(this.#machine, frame);
    if (level > 0) {
      if (isAnonymous) this.anonymousHuge += bytes;
      else if (isSwapbacked) this.shmemHuge += bytes;
      else this.fileHuge += bytes;
    }
    if (isAnonymous) {
      this.anonymous += bytes;
      if (!isSwapbacked && !isDirty && (flags & FrameFlag.DIRTY) === 0) this.lazyFree += bytes;
    }
    this.resident += bytes;
    if (isYoung) this.referenced += bytes;
  }

  /** What depends on who else maps it. @source smaps_page_accumulate() */
  #accumulate(
    { flags: vmaFlags }: Vma,
    frame: number,
    bytes: number,
    mapcount: number,
    isPrivate: boolean,
    isDirtyEntry: boolean,
  ): void {
    const flags = folioFlags(this.#machine, frame);
    const share = Math.floor((bytes * PSS_SCALE) / mapcount);
    const isDirty = isDirtyEntry || (flags & FrameFlag.DIRTY) !== 0;
    this.pss += share;
    if (isAnonymousFrame(this.#machine, frame)) this.pssAnon += share;
    else if ((flags & FrameFlag.SWAPBACKED) !== 0) this.pssShmem += share;
    else this.pssFile += share;
    if ((vmaFlags & VM.LOCKED) !== 0) this.pssLocked += share;
    if (isDirty) {
      this.pssDirty += share;
      if (isPrivate) this.privateDirty += bytes;
      else this.sharedDirty += bytes;
    } else if (isPrivate) this.privateClean += bytes;
    else this.sharedClean += bytes;
  }

  #addSwapped(slot: number): void {
    const users = Math.max(this.#machine.swapCount[slot]!, 1);
    this.swap += this.#pageBytes;
    this.swapPss += Math.floor((this.#pageBytes * PSS_SCALE) / users);
  }

  /** The lines of smaps from Rss to Locked. @source __show_smap() */
  lines(isRollup: boolean): string {
    const byType = isRollup
      ? row('Pss_Anon', this.pssAnon / PSS_SCALE) +
        row('Pss_File', this.pssFile / PSS_SCALE) +
        row('Pss_Shmem', this.pssShmem / PSS_SCALE)
      : '';
    return (
      row('Rss', this.resident) +
      row('Pss', this.pss / PSS_SCALE) +
      row('Pss_Dirty', this.pssDirty / PSS_SCALE) +
      byType +
      row('Shared_Clean', this.sharedClean) +
      row('Shared_Dirty', this.sharedDirty) +
      row('Private_Clean', this.privateClean) +
      row('Private_Dirty', this.privateDirty) +
      row('Referenced', this.referenced) +
      row('Anonymous', this.anonymous) +
      row('KSM', 0) +
      row('LazyFree', this.lazyFree) +
      row('AnonHugePages', this.anonymousHuge) +
      row('ShmemPmdMapped', this.shmemHuge) +
      row('FilePmdMapped', this.fileHuge) +
      row('Shared_Hugetlb', this.sharedHugetlb) +
      row('Private_Hugetlb', this.privateHugetlb) +
      row('Swap', this.swap) +
      row('SwapPss', this.swapPss / PSS_SCALE) +
      row('Locked', this.pssLocked / PSS_SCALE)
    );
  }
}

/** A line of smaps; numbers end in the same column whatever the name. */
export function row(name: string, bytes: number): string {
  const kibibytes = String(Math.floor(bytes / 1024));
  return `${`${name}:`.padEnd(16)}${kibibytes.padStart(8)} kB\n`;
}

function* readShares(task: Task, vma: Vma, form: WalkForm | undefined): Op<HugetlbShares> {
  const { machine, cpu, mm } = task;
  yield* mmapReadLock(machine, cpu, mm.id);
  const shares = yield* hugetlbShares(task, vma, form);
  yield* mmapReadUnlock(machine, cpu, mm.id);
  return shares;
}

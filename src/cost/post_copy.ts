/**
 * A guest that is migrated by post-copy, in the engine: each piece is mapped by UFFDIO_CONTINUE in the
 * order in which the link brings it, after the fault of who waits for it, and what was mapped in pieces
 * is collapsed at the end.
 *
 * The pages of the file are there from the beginning: what comes over the link is written to them by
 * another mapping, which is of no interest here.
 */
import { formatById } from '../arch/index.ts';
import { assert } from '../base/assert.ts';
import type * as designs from '../designs/index.ts';
import type * as engine from '../mm/index.ts';
import { Tally } from '../trace/index.ts';
import { MFD, MFD_HUGE_SHIFT } from '../uapi/files.ts';
import { MADV, MAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';
import { UFFD_API } from '../uapi/userfaultfd.ts';
import type { PostCopyDesign } from '../workload/index.ts';
import { type Counters, countWhile } from './phases.ts';
import { GEOMETRY } from './population.ts';
import type { Engine } from './setup.ts';

const MAP_SHARED_FIXED = MAP.SHARED | MAP.FIXED;
/** A multiple of 512 GiB. */
const GUEST = 2 ** 27;
const SPARE = 512;

/** What the engine has counted. Tables include the root. */
export interface PostCopyCost {
  readonly tables: number;
  readonly fetch: Counters;
  /** One for each round. */
  readonly collapses: (Counters & { readonly tables: number })[];
}

const OPTIONS: Readonly<Record<string, (mm: Engine) => designs.HgmOptions>> = {
  'hgm-rfc-v1': (mm) => mm.HGM_RFC_V1,
  'hgm-v1': (mm) => mm.HGM_V1,
  'hgm-v2': (mm) => mm.HGM_V2,
};

/**
 * @param arrivals of `postCopy()`
 * @param rounds   of the collapse, in bytes
 */
export function measurePostCopy(
  mm: Engine,
  guestBytes: number,
  design: PostCopyDesign,
  arrivals: Int32Array,
  rounds: readonly number[],
): PostCopyCost {
  const guest = new Guest(mm, guestBytes, design);
  const fetch = countWhile(guest, 'fetch', () => {
    for (const piece of arrivals) guest.receive(piece < 0 ? -1 - piece : piece, piece < 0);
  });
  const tables = guest.tables();
  const collapses = rounds.map((size) => {
    const counted = countWhile(guest, 'collapse', () => guest.collapse(size));
    return { ...counted, tables: guest.tables() };
  });
  return { tables, fetch, collapses };
}

class Guest {
  readonly machine: engine.Machine;
  readonly tally: Tally;
  readonly #mm: Engine;
  readonly #task: engine.Task;
  readonly #uffd: engine.Userfaultfd;
  readonly #bytes: number;
  readonly #piecePages: number;

  constructor(mm: Engine, bytes: number, { id, pageBytes, pieceBytes }: PostCopyDesign) {
    const pages = bytes / PAGE_BYTES;
    const hugePages = pageBytes / PAGE_BYTES;
    const options = OPTIONS[id]?.(mm);
    const isGigantic = hugePages > 512;
    const size = {
      format: formatById(GEOMETRY)!,
      frames: pages + SPARE + (isGigantic ? hugePages : 0),
      tables: Math.ceil(pages / 512) + SPARE,
      gather: SPARE,
      contents: false,
      ...(isGigantic ? { gigantic: pages / hugePages } : { hugePages: pages / hugePages }),
    };
    this.#mm = mm;
    this.#bytes = bytes;
    this.#piecePages = pieceBytes / PAGE_BYTES;
    this.machine = new mm.Machine(size, {}, options === undefined ? [] : [mm.hgm(options)]);
    this.tally = new Tally({ tables: size.tables, frames: size.frames, payers: 1 });
    this.#task = mm.run(mm.newProcess(this.machine, 0))!;
    this.#map(Math.log2(pageBytes));
    this.#uffd = this.#watch(options);
    this.machine.traceTo(this.tally);
  }

  #map(shift: number): void {
    const mm = this.#mm;
    const file = mm.memfdCreate(this.#task, 0, MFD.HUGETLB | (shift << MFD_HUGE_SHIFT));
    assert(typeof file !== 'number', 'a machine has the file that it was made for');
    const [address, length] = [GUEST * PAGE_BYTES, this.#bytes];
    const call = { address, length, prot: PROT_RW, flags: MAP_SHARED_FIXED };
    const mapped = mm.run(mm.mmap(this.#task, { ...call, file, offset: 0 }));
    assert(mapped === address, 'a guest has room');
    const allocated = mm.run(mm.fallocate(this.#task, file, 0, 0, length));
    assert(allocated === 0, 'a machine has the pages that it was made for');
  }

  /** Asks for pieces as the version has it, and to be told of missing ones. */
  #watch(options: designs.HgmOptions | undefined): engine.Userfaultfd {
    const mm = this.#mm;
    const [address, length] = [GUEST * PAGE_BYTES, this.#bytes];
    const uffd = mm.userfaultfd(this.#task, 0);
    assert(typeof uffd !== 'number', 'a machine has a descriptor');
    const hasFeature = options !== undefined && !options.hasAdvice;
    const features = mm.UffdFeature.EXACT_ADDRESS | (hasFeature ? mm.MINOR_HUGETLBFS_HGM : 0);
    mm.uffdioApi(this.#task, uffd, UFFD_API, features);
    if (options?.hasAdvice === true) {
      mm.run(mm.madvise(this.#task, address, length, mm.MADV_SPLIT));
    }
    const { MINOR } = mm.UffdMode;
    const { result } = mm.run(mm.uffdioRegister(this.#task, uffd, address, length, MINOR));
    assert(result === 0, 'shared huge pages can be registered');
    return uffd;
  }

  /** A piece has come: who waits for it has faulted, and is told to go on. */
  receive(piece: number, isWaitedFor: boolean): void {
    const mm = this.#mm;
    const page = GUEST + piece * this.#piecePages;
    if (isWaitedFor) {
      const fault = mm.run(mm.handleUserFault(this.#task, page, mm.Access.WRITE));
      assert(fault === mm.Fault.WAIT, 'what is missing is waited for');
      const told = mm.run(mm.readUserfaultfd(this.#task, this.#uffd));
      assert(told?.kind === 'pagefault' && told.page === page, 'what is missing is told');
    }
    const request = { start: page * PAGE_BYTES, length: this.#piecePages * PAGE_BYTES, mode: 0 };
    const { result } = mm.run(mm.uffdioContinue(this.#task, this.#uffd, request));
    assert(result === 0, 'a piece that has come is mapped');
  }

  /** Collapses to pieces of `size` bytes, one after the other. */
  collapse(size: number): void {
    const mm = this.#mm;
    for (let at = 0; at < this.#bytes; at += size) {
      const address = GUEST * PAGE_BYTES + at;
      const result = mm.run(mm.madvise(this.#task, address, size, MADV.COLLAPSE));
      assert(result === 0, 'what is mapped in pieces can be collapsed');
    }
  }

  /** The root included. */
  tables(): number {
    return this.machine.tableUsed.reduce((sum, used) => sum + used, 0);
  }
}

/**
 * Post-copy migration: a guest runs on its new host before its memory is there.
 *
 * What a vCPU touches that is missing is asked for (userfaultfd), and the vCPU waits until the piece
 * has come over the link, and is mapped. When nobody waits, the rest of the memory is sent in its
 * order. The link sends one piece after the other: what is asked for comes next, but not before the
 * piece that is just being sent. So a large piece makes a vCPU wait for itself, for those that others
 * have asked for, and for what was begun: with pages of hugetlb that can only be mapped whole, 2 MiB or
 * 1 GiB at a time; with high-granularity mapping, 4 KiB.
 *
 * What the small pieces cost in tables, and what it takes to collapse them, is in `collapse.ts`.
 *
 * @source LKML, "hugetlb: Introduce HugeTLB high-granularity mapping", 24 June 2022: a guest of 48
 *         vCPUs, median time to fetch below 100 us with 4 KiB, above 10 ms with 2 MiB
 * @omits  compression, zero pages, pages that are sent twice, faults of the host's own
 */
import { assert } from '../../base/assert.ts';

/** A guest, a link, and the pieces in which memory is sent. Times in microseconds. */
export interface PostCopy {
  readonly vcpus: number;
  /** A multiple of 1 GiB, in pages of hugetlb of that size. */
  readonly guestBytes: number;
  readonly pieceBytes: number;
  readonly bitsPerSecond: number;
  /** From the host to the other one and back. */
  readonly roundTripUs: number;
  /** From the arrival of a piece to the vCPU's next instruction: UFFDIO_CONTINUE, wake-up. */
  readonly resumeUs: number;
  /** Between two pages that a vCPU touches, any of them. */
  readonly touchUs: number;
}

/** What became of it. Times in microseconds, from the first instruction on the new host. */
export interface PostCopyResult {
  readonly faults: number;
  readonly medianUs: number;
  readonly p99Us: number;
  /** How long all vCPUs together have waited. */
  readonly stalledUs: number;
  /** When the last piece has come. */
  readonly totalUs: number;
  /** The pieces as they came: -1 - piece of one that a vCPU waited for. */
  readonly arrivals: Int32Array;
}

/** The host that the mails report on, as far as they say; the link and its times are ours. */
export const HGM_GUEST: Omit<PostCopy, 'pieceBytes'> = {
  vcpus: 48,
  guestBytes: 2 ** 30,
  bitsPerSecond: 25e9,
  roundTripUs: 30,
  resumeUs: 10,
  touchUs: 10,
};

const MISSING = Number.POSITIVE_INFINITY;

export function postCopy(wish: PostCopy): PostCopyResult {
  const migration = new Migration(wish);
  while (!migration.isOver) migration.sendNext();
  return migration.result();
}

/** A vCPU that waits for a piece which is not on its way yet. */
interface Request {
  readonly vcpu: number;
  readonly piece: number;
  readonly at: number;
}

class Migration {
  readonly #wish: PostCopy;
  readonly #arrivals: Int32Array;
  readonly #pieces: number;
  /** When each piece is here; `MISSING` until it is sent. */
  readonly #arrival: Float64Array;
  /** When each vCPU touches a page next; `MISSING` while it waits for a piece that is not sent. */
  readonly #nextTouch: Float64Array;
  readonly #waits: number[] = [];
  #requests: Request[] = [];
  #random = 1;
  #sent = 0;
  #cursor = 0;
  /** When the link has sent what it sends. */
  #free = 0;

  constructor(wish: PostCopy) {
    const { guestBytes, pieceBytes, vcpus } = wish;
    assert(guestBytes % pieceBytes === 0, 'a guest is made of whole pieces');
    this.#wish = wish;
    this.#pieces = guestBytes / pieceBytes;
    this.#arrivals = new Int32Array(this.#pieces);
    this.#arrival = new Float64Array(this.#pieces).fill(MISSING);
    this.#nextTouch = Float64Array.from({ length: vcpus }, (_, vcpu) => vcpu / vcpus);
  }

  get isOver(): boolean {
    return this.#sent === this.#pieces;
  }

  /** What has been asked for first, or the next piece of all. */
  sendNext(): void {
    const { roundTripUs } = this.#wish;
    this.#touchUntil(this.#free - roundTripUs / 2);
    const [first] = this.#requests;
    if (first === undefined) {
      while (this.#arrival[this.#cursor] !== MISSING) this.#cursor++;
      this.#send(this.#cursor);
    } else this.#send(first.piece);
  }

  #send(piece: number): void {
    const { pieceBytes, bitsPerSecond, roundTripUs, resumeUs, touchUs } = this.#wish;
    this.#free += (pieceBytes * 8e6) / bitsPerSecond;
    const arrival = this.#free + roundTripUs / 2;
    this.#arrival[piece] = arrival;
    const { length } = this.#requests;
    for (const { vcpu, piece: wanted, at } of this.#requests) {
      if (wanted !== piece) continue;
      this.#waits.push(arrival + resumeUs - at);
      this.#nextTouch[vcpu] = arrival + resumeUs + touchUs;
    }
    if (length > 0) this.#requests = this.#requests.filter(({ piece: wanted }) => wanted !== piece);
    this.#arrivals[this.#sent++] = this.#requests.length < length ? -1 - piece : piece;
  }

  /** Lets vCPUs touch pages, in the order of time. */
  #touchUntil(end: number): void {
    for (;;) {
      let vcpu = 0;
      for (let other = 1; other < this.#nextTouch.length; other++) {
        if (this.#nextTouch[other]! < this.#nextTouch[vcpu]!) vcpu = other;
      }
      const at = this.#nextTouch[vcpu]!;
      if (at > end) return;
      this.#touch(vcpu, at);
    }
  }

  #touch(vcpu: number, at: number): void {
    const { resumeUs, touchUs } = this.#wish;
    const piece = this.#draw();
    const arrival = this.#arrival[piece]!;
    if (arrival <= at) this.#nextTouch[vcpu] = at + touchUs;
    else if (arrival !== MISSING) {
      this.#waits.push(arrival + resumeUs - at);
      this.#nextTouch[vcpu] = arrival + resumeUs + touchUs;
    } else {
      this.#nextTouch[vcpu] = MISSING;
      this.#requests.push({ vcpu, piece, at });
    }
  }

  /** Any piece: the same ones in each run. */
  #draw(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#random / 2 ** 32) * this.#pieces);
  }

  result(): PostCopyResult {
    const totalUs = this.#free + this.#wish.roundTripUs / 2;
    this.#touchUntil(totalUs);
    const sorted = this.#waits.slice().sort((one, other) => one - other);
    const quantile = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? 0;
    return {
      faults: sorted.length,
      medianUs: quantile(0.5),
      p99Us: quantile(0.99),
      stalledUs: sorted.reduce((sum, wait) => sum + wait, 0),
      totalUs,
      arrivals: this.#arrivals,
    };
  }
}

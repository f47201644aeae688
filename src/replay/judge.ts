/** Holds what the engine answers against what the kernel answered, and goes on from the kernel's. */
import type * as engine from '../mm/index.ts';
import { EFAULT } from '../uapi/errno.ts';
import { MADV, MAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';
import type { CallTrace } from './call_trace.ts';
import { errnoName } from './errno.ts';
import type { Files } from './files.ts';
import type { Engine, Host } from './host.ts';
import { LIMITS } from './limits.ts';
import { mmap, mmapArguments, perform } from './perform.ts';
import { count, type ReplayReport } from './report.ts';
import type { Request } from './request.ts';
import { ruleOf } from './rule.ts';
import type { Space } from './space.ts';
import type { Result } from './strace/values.ts';

/** A call that was made and has returned. */
export interface Done {
  readonly line: number;
  readonly pid: number;
  readonly text: string;
  readonly request: Request;
  readonly result: Result;
  readonly files: Files;
}

/** What they do depends on what is in memory. */
const CONTENT_ADVICE: readonly number[] = [
  MADV.POPULATE_READ,
  MADV.POPULATE_WRITE,
  MADV.COLLAPSE,
  MADV.HWPOISON,
  MADV.SOFT_OFFLINE,
];
const GIGANTIC_LOG = 30;
/** Of those who have neither CAP_IPC_LOCK nor room within RLIMIT_MEMLOCK. */
const LOCK_ERRORS: readonly string[] = ['EPERM', 'ENOMEM', 'EAGAIN'];
const MINCORE_BYTES_MAX = 2 ** 32;
const MAP_AT_ADDRESS = MAP.FIXED | MAP.FIXED_NOREPLACE;
const MAP_PRIVATE_FIXED_ANONYMOUS = MAP.PRIVATE | MAP.FIXED | MAP.ANONYMOUS;

export class Judge {
  readonly #host: Host;
  readonly #report: ReplayReport;
  readonly #trace: CallTrace | undefined;

  constructor(host: Host, report: ReplayReport, trace: CallTrace | undefined) {
    this.#host = host;
    this.#report = report;
    this.#trace = trace;
  }

  /** Performs a call in a space that has begun. @throws ReplayError */
  judge(space: Space, done: Done): void {
    const { request, result, files } = done;
    const task = space.task!;
    const reason = unjudgedReason(this.#host, done);
    if (reason !== undefined) {
      this.unjudged(reason);
      this.#follow(task, done, undefined);
      return;
    }
    this.#host.wantRoom(done.line);
    if (request.name === 'mprotect') space.recognise(request.address, request.length);
    const isOpen = foundOpen(request, result);
    const performed = this.#perform(task, files, request, isOpen);
    const ours = performed >= 0 && lacksVector(this.#host.mm, space, request) ? EFAULT : performed;
    const isUnseen = result.kind === 'returned' && ours < 0 && isAbout(space, request);
    const isOfPool = takesHugePages(files, request) && this.#isOfPool(result, ours);
    const isOfLock = ours >= 0 && isRefusedLock(task, request, result);
    if (isOfLock) {
      this.unjudged('RLIMIT_MEMLOCK: who may lock memory is not recorded');
      this.#unlock(task, request);
    } else if (isOfPool) this.unjudged('huge pages: how many are left is not known');
    else if (isUnseen) this.unjudged('memory that was mapped before the recording, or by execve()');
    else this.#compare(task, done, ours, isOpen);
    this.#follow(task, done, ours);
  }

  /** Performs a call whose answer is known to be right. */
  follow(space: Space, done: Done): void {
    this.#host.wantRoom(done.line);
    const ours = this.#perform(space.task!, done.files, done.request, true);
    this.#follow(space.task!, done, ours);
  }

  /** Whether only one of the two found no huge pages left, and that may be so. */
  #isOfPool(result: Result, ours: number): boolean {
    const hasNone = result.kind === 'failed' && result.errno === 'ENOMEM';
    return !this.#host.knowsPool && hasNone !== (ours < 0 && errnoName(ours) === 'ENOMEM');
  }

  #perform(task: engine.Task, files: Files, request: Request, isOpen: boolean): number {
    if (request.name === 'mmap' && takesHugePages(files, request)) {
      this.#host.noteHugePages((request.flags & MAP.NORESERVE) === 0);
    }
    const work = (): number => perform(this.#host, task, files, request, isOpen);
    return this.#trace === undefined ? work() : this.#trace.around(task, request, work);
  }

  unjudged(reason: string): void {
    const { unjudged } = this.#report;
    unjudged[reason] = (unjudged[reason] ?? 0) + 1;
  }

  #compare(task: engine.Task, done: Done, ours: number, isOpen: boolean): void {
    const { request, result } = done;
    const real = result.kind === 'failed' ? result.errno : 0;
    const isSameErrno = ours < 0 ? errnoName(ours) === real : real === 0;
    const isChosen = ours >= 0 && result.kind === 'returned' && choosesAddress(request);
    const isSame = isSameErrno && (!isChosen || ours === result.value);
    count(this.#report.errnos, isSameErrno);
    if (isChosen) {
      this.#report.byCall[request.name] ??= { total: 0, exact: 0 };
      count(this.#report.addresses, isSame);
      count(this.#report.byCall[request.name]!, isSame);
    }
    if (!isSame) this.#mismatch(task, done, ours, isOpen);
  }

  #mismatch(
    task: engine.Task,
    { line, pid, text, request, result, files }: Done,
    ours: number,
    isOpen: boolean,
  ): void {
    this.#report.differences++;
    if (this.#report.mismatches.length >= LIMITS.listed) return;
    const file =
      request.name === 'mmap' ? mmapArguments(this.#host, files, request, isOpen).file : undefined;
    this.#report.mismatches.push({
      line,
      pid,
      call: text,
      real: shown(
        result.kind === 'failed' ? result.errno : result.kind === 'returned' ? result.value : '?',
      ),
      ours: shown(ours < 0 ? errnoName(ours) : ours),
      rule: ruleOf(task, request, ours, file),
    });
  }

  /** Takes back what the kernel has refused. */
  #unlock(task: engine.Task, request: Request): void {
    const { mm } = this.#host;
    if (request.name === 'mlockall') this.#host.run(mm.munlockall(task));
    if (request.name !== 'mlock' && request.name !== 'mlock2') return;
    this.#host.run(mm.munlock(task, request.address, request.length));
  }

  /**
   * Where the engine and the kernel differ, what the kernel did holds from there on: a wrong answer is
   * counted once, and not in all that follows from it.
   */
  #follow(task: engine.Task, { request, result, files }: Done, ours: number | undefined): void {
    const { mm } = this.#host;
    const real = result.kind === 'returned' ? result.value : -1;
    if (ours === real || (ours !== undefined && ours < 0 && real < 0)) return;
    if (request.name === 'brk') this.#setBreak(task, real);
    if (request.name !== 'mmap' && request.name !== 'shmat' && request.name !== 'mremap') return;
    if (request.name === 'mremap') {
      // It is enough that what moved is where the kernel has it.
      this.#map(task, real, request.newLength);
      return;
    }
    const length = request.name === 'mmap' ? request.length : this.#segmentBytes(request.segment);
    if (ours !== undefined && ours >= 0) this.#host.run(mm.munmap(task, ours, length));
    if (real < 0) return;
    if (request.name === 'shmat' || (request.flags & MAP.HUGETLB) !== 0) {
      this.#map(task, real, length);
      return;
    }
    const flags = (request.flags & ~0x100000) | 0x10;
    const call = mmapArguments(this.#host, files, { ...request, address: real, flags }, true);
    mmap(this.#host, task, call, flags);
  }

  #segmentBytes(segment: number): number {
    const id = this.#host.segments.get(segment);
    return id === undefined ? PAGE_BYTES : this.#host.machine.segments.get(id).bytes;
  }

  #map(task: engine.Task, address: number, length: number): void {
    if (address < 0 || length <= 0) return;
    const call = { address, length, prot: PROT_RW, flags: MAP_PRIVATE_FIXED_ANONYMOUS };
    this.#host.run(this.#host.mm.mmap(task, { ...call, file: undefined, offset: 0 }));
  }

  #setBreak(task: engine.Task, real: number): void {
    if (real < task.mm.layout.brkStartBytes) return;
    const old = task.mm.brkBytes;
    if (real > old) this.#map(task, Math.ceil(old / PAGE_BYTES) * PAGE_BYTES, real - old);
    else this.#host.run(this.#host.mm.brk(task, real));
    task.mm.brkBytes = real;
  }
}

function shown(value: string | number): string {
  return typeof value === 'string' || value === 0 ? String(value) : `0x${value.toString(16)}`;
}

/** Whether the result is an address that the kernel chose. */
function choosesAddress(request: Request): boolean {
  switch (request.name) {
    case 'mmap':
      return (request.flags & MAP_AT_ADDRESS) === 0;
    case 'brk':
    case 'mremap':
      return true;
    case 'shmat':
      return request.address === 0;
    default:
      return false;
  }
}

/** Whether mincore(2) has nowhere to write its answer to. */
function lacksVector({ VM }: Engine, space: Space, request: Request): boolean {
  if (request.name !== 'mincore' || request.vector === undefined) return false;
  const { vector } = request;
  const last = vector + Math.ceil(request.length / PAGE_BYTES) - 1;
  const { vmas } = space.task!.mm;
  for (let page = Math.floor(vector / PAGE_BYTES); page * PAGE_BYTES <= last; page++) {
    const isWritable = ((vmas.at(page)?.flags ?? 0) & VM.WRITE) !== 0;
    if (!isWritable && !space.mayHaveUnseen(page * PAGE_BYTES)) return true;
  }
  return false;
}

/** Whether the kernel did not let a process lock memory, of which the engine lets all of them. */
function isRefusedLock({ mm }: engine.Task, request: Request, result: Result): boolean {
  if (result.kind !== 'failed' || !LOCK_ERRORS.includes(result.errno)) return false;
  switch (request.name) {
    case 'mlock':
    case 'mlock2':
    case 'mlockall':
      return true;
    case 'mmap':
      return (request.flags & MAP.LOCKED) !== 0 || mm.defaultFlags !== 0;
    default:
      return false;
  }
}

/** Whether the kernel has seen that the descriptor is open: it looks at the offset before. */
function foundOpen(request: Request, result: Result): boolean {
  if (request.name === 'mmap' && request.offset % PAGE_BYTES !== 0) return false;
  return result.kind === 'returned' || (result.kind === 'failed' && result.errno !== 'EBADF');
}

function unjudgedReason(host: Host, { request, result }: Done): string | undefined {
  if (result.kind === 'unknown') return 'calls that never returned';
  if (
    request.name === 'mmap' &&
    (request.flags & (MAP_AT_ADDRESS | MAP['32BIT'])) === MAP['32BIT']
  ) {
    return 'MAP_32BIT: its place is random';
  }
  if (request.name === 'mmap' && isGigantic(request.flags) && host.facts.hugePages.gigantic > 0) {
    return 'huge pages of 1 GiB';
  }
  if (request.name === 'madvise' && CONTENT_ADVICE.includes(request.advice)) {
    return 'madvise() that depends on what is in memory';
  }
  if (request.name === 'mincore' && request.length > MINCORE_BYTES_MAX) return 'a large mincore()';
  if (request.name === 'shmat' && !host.segments.has(request.segment)) {
    return result.kind === 'returned' ? 'segments from before the recording' : undefined;
  }
  return undefined;
}

const isGigantic = (flags: number): boolean =>
  (flags & MAP.HUGETLB) !== 0 && Math.floor(flags / 2 ** 26) % 64 === GIGANTIC_LOG;

function takesHugePages(files: Files, request: Request): boolean {
  if (request.name !== 'mmap') return false;
  const isAnonymous = (request.flags & MAP.ANONYMOUS) !== 0;
  if (isAnonymous) return (request.flags & MAP.HUGETLB) !== 0;
  return files.find(request.fd, false)?.mapped?.inode.hugetlb !== undefined;
}

function isAbout(space: Space, request: Request): boolean {
  return 'address' in request && space.mayHaveUnseen(request.address);
}

/** From the bytes that the executor writes (`executor/wire.h`) to reports. */
import { type MapsLine, parseMaps } from '../../src/proc/maps.ts';
import { formatStep, type Program } from './program.ts';
import {
  type Backing,
  COUNTERS,
  type Counters,
  type InitialState,
  type KernelReport,
  type Outcome,
  type PageRun,
  POOL,
  type State,
  type Vma,
  WHOLE_FILES,
  type WholeFile,
} from './report.ts';

/** The types of records, in the order of their numbers. */
export const RECORDS = [
  'INITIAL',
  'OWN_VMAS',
  'VMAS',
  'COUNTERS',
  'PAGES',
  'TABLES',
  'RESIDENT',
  'SCANNED',
  'OUTCOMES',
  'DIED',
  ...WHOLE_FILES,
] as const;
/** In the place of a signal: the step was not run. */
export const NOT_RUN = -1;

const RECORD_BYTES = 16;
const OUTCOME_BYTES = 24;
const REGION_BYTES = 24;
const PAGE_BYTES = 4096;
/** In the place of a process. */
const NOBODY = 2 ** 32 - 1;

/** A program that did not come to its end. */
export class ProgramDied extends Error {
  override readonly name = 'ProgramDied';
  readonly #program: Program;

  constructor(program: Program, process: number, step: number, status: number) {
    const who = process === NOBODY ? 'it ran too long' : `process ${process} ended`;
    const last = program.steps[step];
    const where = last === undefined ? 'the end' : formatStep(last);
    super(`Cannot finish a program: ${who} at "${where}": wait status is ${status}`);
    this.#program = program;
  }

  /** Not a field, so that it is not printed with the error. */
  get program(): Program {
    return this.#program;
  }
}

/** What was read so far of one address space. */
interface Reading {
  readonly process: number;
  readonly step: number;
  vmas: string;
  counters: string;
  readonly pages: PageRun[];
  readonly entries: PageRun[];
  readonly files: Map<WholeFile, Uint8Array>;
}

/**
 * @param programs those that ran, in order; the first is empty
 * @returns one report for each but the first, which shows what the executor itself costs
 * @throws ProgramDied
 */
export function decodeReports(bytes: Uint8Array, programs: readonly Program[]): KernelReport[] {
  let place: DataView | undefined;
  let own = '';
  let initial: InitialState | undefined;
  let run = new Run(programs[0]!);
  const reports: KernelReport[] = [];
  for (const record of recordsIn(bytes)) {
    if (record.type === 'INITIAL') place = record.payload;
    else if (record.type === 'OWN_VMAS') own += textOf(record.payload);
    else run.add(record);
    if (record.type !== 'OUTCOMES') continue;
    if (initial === undefined) initial = initialState(place!, own, run.counters());
    else reports.push(run.report(initial));
    run = new Run(programs[reports.length + 1] ?? { steps: [] });
  }
  return reports;
}

interface WireRecord {
  readonly type: (typeof RECORDS)[number];
  readonly process: number;
  readonly step: number;
  readonly payload: DataView;
}

function* recordsIn(bytes: Uint8Array): Generator<WireRecord> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at + 12, true);
    yield {
      type: RECORDS[view.getUint32(at, true)]!,
      process: view.getUint32(at + 4, true),
      step: view.getUint32(at + 8, true),
      payload: new DataView(bytes.buffer, bytes.byteOffset + at + RECORD_BYTES, length),
    };
    at += RECORD_BYTES + length;
  }
}

/** The records of one program. */
class Run {
  readonly #program: Program;
  readonly #readings: Reading[] = [];
  readonly #resident = new Map<number, number[]>();
  readonly #scanned = new Map<number, PageRun[]>();
  #outcomes: DataView = new DataView(new ArrayBuffer(0));

  constructor(program: Program) {
    this.#program = program;
  }

  add({ type, process, step, payload }: WireRecord): void {
    if (type === 'OUTCOMES') this.#outcomes = payload;
    else if (type === 'DIED') {
      throw new ProgramDied(this.#program, process, step, payload.getUint32(0, true));
    } else if (type === 'RESIDENT') this.#resident.set(step, residentIn(payload));
    else if (type === 'SCANNED') this.#scanned.set(step, runsIn(payload));
    else {
      const reading = this.#reading(process, step);
      if (type === 'VMAS') reading.vmas += textOf(payload);
      else if (type === 'COUNTERS') reading.counters += textOf(payload);
      else if (isWholeFile(type)) append(reading.files, type, payload);
      else (type === 'PAGES' ? reading.pages : reading.entries).push(...runsIn(payload));
    }
  }

  counters(): Counters {
    return parseCounters(this.#readings[0]!.counters);
  }

  report(initial: InitialState): KernelReport {
    const outcomes = this.#program.steps.map((_, index) => this.#outcome(index));
    const shared = new Map<string, number>();
    const states = this.#readings.map(({ vmas, counters, ...rest }): State => {
      const backings = this.#backings(rest.step, shared);
      return { ...rest, vmas: parseVmas(vmas, backings), counters: parseCounters(counters) };
    });
    return { initial, outcomes, states };
  }

  /** Records of one address space follow each other. */
  #reading(process: number, step: number): Reading {
    const last = this.#readings.at(-1);
    if (last?.process === process && last.step === step) return last;
    const next = {
      process,
      step,
      vmas: '',
      counters: '',
      pages: [],
      entries: [],
      files: new Map(),
    };
    this.#readings.push(next);
    return next;
  }

  #outcome(index: number): Outcome {
    const at = index * OUTCOME_BYTES;
    const signal = this.#outcomes.getInt32(at + 16, true);
    if (signal === NOT_RUN) return { kind: 'not run' };
    if (signal !== 0) {
      const address = numberAt(this.#outcomes, at + 8);
      return { kind: 'signalled', signal, code: this.#outcomes.getInt32(at + 20, true), address };
    }
    const value = Number(this.#outcomes.getBigInt64(at, true));
    if (value < 0) return { kind: 'failed', errno: -value };
    const resident = this.#resident.get(index);
    const scanned = this.#scanned.get(index);
    return { kind: 'returned', value, ...(resident && { resident }), ...(scanned && { scanned }) };
  }

  /** Who made what, by the inodes that smaps shows: of those made before `step`, the last. */
  #backings(step: number, shared: Map<string, number>): (line: MapsLine) => Backing {
    const made = new Map<string, Backing>();
    this.#program.steps.slice(0, step).forEach(({ id, call }, index) => {
      if (this.#outcome(index).kind !== 'returned') return;
      const at = index * OUTCOME_BYTES;
      const inode = this.#outcomes.getBigUint64(at + 8, true);
      if (call.name === 'memfd_create' || call.name === 'open') {
        const device = deviceName(this.#outcomes.getUint32(at + 20, true));
        made.set(`${device} ${inode}`, { kind: 'file', step: id });
      } else if (call.name === 'shmget')
        made.set(`segment ${inode}`, { kind: 'segment', step: id });
    });
    return ({ device, inode, name }) => {
      // The inode of a segment is its id, which may be 0.
      const isSegment = name.startsWith('/SYSV');
      if (inode === '0' && !isSegment) return { kind: 'anonymous' };
      const known = made.get(`${isSegment ? 'segment' : device} ${inode}`);
      if (known !== undefined) return known;
      if (!shared.has(inode)) shared.set(inode, shared.size);
      return { kind: 'shared', number: shared.get(inode)! };
    };
  }
}

function initialState(place: DataView, own: string, counters: Counters): InitialState {
  return {
    ownStart: numberAt(place, 0),
    ownEnd: numberAt(place, 8),
    mmapBase: numberAt(place, 16),
    brkStart: numberAt(place, 24),
    taskSize: numberAt(place, 32),
    own: parseVmas(own, () => ({ kind: 'anonymous' })),
    counters,
  };
}

/** Lines of smaps: each VMA's first, followed by its flags. */
function parseVmas(text: string, backingOf: (line: MapsLine) => Backing): Vma[] {
  const lines = text.split('\n').slice(0, -1);
  const flags = lines.filter((line) => line.startsWith('VmFlags:'));
  const heads = lines.filter((line) => !line.startsWith('VmFlags:'));
  return parseMaps(heads.map((line) => `${line}\n`).join(''), PAGE_BYTES).flatMap((line, index) =>
    // Shown in every process, but no VMA.
    line.name === '[vsyscall]'
      ? []
      : {
          start: line.start,
          end: line.end,
          protection: line.protection,
          shared: line.shared,
          offset: line.offset,
          backing: backingOf(line),
          flags: flags[index]!.trim().split(/\s+/).slice(1),
        },
  );
}

function parseCounters(text: string): Counters {
  const kibibytes = new Map(
    text.split('\n').map((line) => {
      const [name, value] = line.split(/:\s+/);
      return [name, Number.parseInt(value ?? '', 10)];
    }),
  );
  // What several processes share is charged to one and freed by another: it may go below zero.
  const huge = kibibytes.get('HugetlbPages')!;
  if (huge >= 2 ** 63) kibibytes.set('HugetlbPages', huge - 2 ** 64);
  const pages = COUNTERS.map((name) => [name, kibibytes.get(name)! / (PAGE_BYTES / 1024)]);
  const pool = POOL.map((name) => [name, kibibytes.get(name)!]);
  return Object.fromEntries([...pages, ...pool]) as Counters;
}

const isWholeFile = (type: string): type is WholeFile =>
  (WHOLE_FILES as readonly string[]).includes(type);

function append(
  files: Map<WholeFile, Uint8Array>,
  type: WholeFile,
  { buffer, byteOffset, byteLength }: DataView,
): void {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  files.set(type, Buffer.concat([files.get(type) ?? new Uint8Array(), bytes]));
}

function runsIn(payload: DataView): PageRun[] {
  return Array.from({ length: payload.byteLength / REGION_BYTES }, (_, index) => ({
    start: numberAt(payload, index * REGION_BYTES) / PAGE_BYTES,
    end: numberAt(payload, index * REGION_BYTES + 8) / PAGE_BYTES,
    categories: numberAt(payload, index * REGION_BYTES + 16),
  }));
}

/** Which pages mincore(2) found, counted from the start of its range. */
function residentIn(payload: DataView): number[] {
  return Array.from({ length: payload.byteLength }, (_, page) => page).filter(
    (page) => payload.getUint8(page) % 2 === 1,
  );
}

/** @source linux/kdev_t.h new_encode_dev(), and how maps shows a device */
function deviceName(encoded: number): string {
  const major = (encoded >>> 8) & 0xfff;
  const minor = (encoded & 0xff) | ((encoded >>> 12) & 0xfff00);
  return [major, minor].map((part) => part.toString(16).padStart(2, '0')).join(':');
}

function textOf(payload: DataView): string {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1');
}

function numberAt(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

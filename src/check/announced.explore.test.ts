/**
 * Between two points an operation touches the announced object and nothing else that is shared.
 * Every typed array of a machine is watched while random schedules run: reduction is unsound without.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../test/kernel/random.ts';
import { mapPages, newWorld, unmapPages } from '../../test/mm/small_world.ts';
import { newSeed } from '../../test/seed.ts';
import { vpn } from '../arch/index.ts';
import * as mm from '../mm/index.ts';
import {
  describePoint,
  gupFast,
  kindOf,
  load,
  type Machine,
  NONE,
  type Op,
  objectOf,
  type Point,
  PointKind,
  peek,
  poke,
  run,
  store,
  taskOn,
  unpin,
} from '../mm/index.ts';
import { MachineScenario, type Program } from './index.ts';

type Words = Int32Array | Uint32Array | Uint16Array | Float64Array;
interface Touch {
  readonly field: string;
  readonly index: number;
  readonly isWrite: boolean;
}

const PAGE = vpn(5 * 512);

function newMachine(): Machine {
  const machine = newWorld(mm, { cpus: 2 });
  run(mapPages(mm, taskOn(machine, 0, 0), PAGE, PAGE + 1));
  return machine;
}

/** Puts a proxy in the place of every typed array of `machine`, and returns what they note. */
function watch(machine: Machine): Touch[] {
  const touches: Touch[] = [];
  for (const [field, value] of Object.entries(machine)) {
    if (!ArrayBuffer.isView(value)) continue;
    const watched = watchArray(field, value as Words, touches);
    Object.defineProperty(machine, field, { value: watched });
  }
  return touches;
}

function watchArray(field: string, target: Words, touches: Touch[]): Words {
  const note = (key: string | symbol, isWrite: boolean): void => {
    if (typeof key === 'string' && /^\d+$/.test(key)) {
      touches.push({ field, index: Number(key), isWrite });
    }
  };
  return new Proxy(target, {
    get(_, key) {
      note(key, false);
      const value: unknown = Reflect.get(target, key);
      if (key !== 'fill') return value;
      return (lane: number, start: number, end: number) => {
        for (let at = start; at < end; at++) touches.push({ field, index: at, isWrite: true });
        target.fill(lane, start, end);
      };
    },
    set(_, key, value: number) {
      note(key, true);
      return Reflect.set(target, key, value);
    },
  });
}

/** The objects that a place belongs to; `undefined` for own data, constants and bookkeeping. */
function objectsOf(machine: Machine, { field, index }: Touch): readonly number[] | undefined {
  const { objects } = machine;
  const tableOfLane = (): number => Math.floor(index / 2 / machine.tableEntries);
  switch (field) {
    case 'lockHolder':
    case 'lockReaders':
      return [index];
    case 'irqsOff':
    case 'rcuNesting':
    case 'pending':
      return [objects.cpu(index)];
    case 'frameReferences':
    case 'frameMapcount':
    case 'frameData':
      return [objects.frame(index)];
    case 'lanes':
      return [objects.entry(index >> 1), objects.table(tableOfLane())];
    case 'callbackTables':
      return [objects.callbacks(index)];
    case 'mmSequence':
      return [objects.sequence(index)];
    case 'vmaReferences':
      return [objects.vmaReferences(index)];
    case 'vmaSequence':
      return [objects.vmaSequence(index)];
    default:
      return undefined;
  }
}

/** Only a writer of the mmap lock changes these: whoever holds it may read them at any time. */
const GUARDED_BY_MMAP_LOCK = ['lockHolder', 'mmSequence', 'vmaSequence'];

/** `isWriter`: whether `cpu` holds the mmap lock for writing, before or after its step. */
function isAllowed(
  machine: Machine,
  cpu: number,
  at: Point,
  touch: Touch,
  isWriter: boolean,
): boolean {
  const touched = objectsOf(machine, touch);
  if (touched === undefined || touched.includes(objectOf(at))) return true;
  const { field, index, isWrite } = touch;
  if (!isWrite && isWriter && GUARDED_BY_MMAP_LOCK.includes(field)) return true;
  if (!isWrite && field === 'irqsOff' && index === cpu) return true;
  // Who walks asserts that the mmap lock is held, which it stays meanwhile.
  const isLock = field === 'lockHolder' || field === 'lockReaders';
  const isMmapLock = isLock && index === machine.objects.mmapLock(0);
  if (!isWrite && isMmapLock && machine.lockReaders[index]! > 0) return true;
  // The zone lock guards the links of free blocks, which are no references to anybody.
  const isLink = field === 'frameReferences' && machine.frameReferences[index]! <= 0;
  if (isLink && objectOf(at) === machine.objects.zoneLock) return true;
  const kind = kindOf(at);
  // A new page becomes known with the entry that maps it.
  if (kind === PointKind.SET && field === 'frameMapcount') return true;
  const isAccess = kind === PointKind.LOAD || kind === PointKind.STORE;
  return isAccess && (field === 'frameData' || !isWrite);
}

/** Runs one random schedule; returns what was touched without being announced. */
function runWatched(programs: readonly Program[], random: Random): string[] {
  const machine = newMachine();
  const scenario = new MachineScenario(machine, programs);
  const touches = watch(machine);
  const actors = scenario.start();
  const advance = ({ operation }: (typeof actors)[number]): Point | undefined => {
    const { done, value } = operation.next();
    return done === true ? undefined : value;
  };
  const points = actors.map(advance);
  const unannounced = touches.filter((touch) => objectsOf(machine, touch)?.length);
  const wrong = unannounced.map(({ field }) => `${field} before the first point`);
  for (;;) {
    const able = points.flatMap((at, actor) =>
      at !== undefined && scenario.mayGo(actor, at) ? [actor] : [],
    );
    if (able.length === 0) return wrong;
    const actor = able[random.below(able.length)]!;
    const cpu = actor % machine.size.cpus;
    const at = points[actor]!;
    const isWriter = (): boolean => machine.lockHolder[machine.objects.mmapLock(0)] === cpu;
    const wasWriter = isWriter();
    scenario.choose(0);
    touches.length = 0;
    points[actor] = advance(actors[actor]!);
    for (const touch of touches.splice(0)) {
      if (isAllowed(machine, cpu, at, touch, wasWriter || isWriter())) continue;
      wrong.push(`${describePoint(machine, at)}: ${touch.field}[${touch.index}]`);
    }
  }
}

const storeAndUnmap: Program = {
  name: 'store, munmap',
  *run(task) {
    yield* store(task, PAGE, 1);
    yield* unmapPages(mm, task, PAGE, PAGE + 1);
  },
};
const pinAndMap: Program = {
  name: 'GUP-fast, mmap, load',
  *run(task) {
    const frame = yield* gupFast(task, PAGE, true);
    if (frame !== NONE) yield* unpin(task, frame);
    yield* mapPages(mm, task, PAGE, PAGE + 1);
    yield* load(task, PAGE);
  },
};
const debugAndRead: Program = {
  name: 'poke, peek',
  *run(task) {
    yield* poke(task, PAGE, 2);
    yield* peek(task, PAGE);
  },
};

test('between two points only the announced object is touched', () => {
  const seed = newSeed();
  const random = new Random(seed);
  const wrong = new Set<string>();
  for (let round = 0; round < 300; round++) {
    for (const found of runWatched([storeAndUnmap, pinAndMap], random)) wrong.add(found);
    for (const found of runWatched([storeAndUnmap, storeAndUnmap], random)) wrong.add(found);
    for (const found of runWatched([storeAndUnmap, debugAndRead], random)) wrong.add(found);
  }
  assert.deepEqual([...wrong], [], `seed ${seed}`);
});

test('the recorder sees an access that was not announced', () => {
  const hasty: Program = {
    name: 'hasty',
    *run(task): Op<void> {
      yield* load(task, PAGE);
      task.machine.mmSequence[0]!++;
    },
  };
  const wrong = runWatched([hasty, hasty], new Random(1));
  assert.ok(wrong.some((text) => text.endsWith('mmSequence[0]')));
});

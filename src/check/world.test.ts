/** Plain programs: what goes wrong in them is found, named, shown in few switches, and replays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ATOMIC_SLEEP,
  DEADLOCK,
  explore,
  LOCK_ORDER,
  LOST_WAKEUP,
  replay,
  type Scenario,
  SELF_DEADLOCK,
  World,
} from './index.ts';

/** The property that is found, whose schedule must replay to the same finding. */
function findIn(scenario: Scenario): string | undefined {
  const { finding, isComplete } = explore(scenario);
  assert.equal(isComplete, finding === undefined);
  if (finding !== undefined) assert.deepEqual(replay(scenario, finding.schedule), finding);
  return finding?.property;
}

test('two increments without a lock lose one, shown with one preemption', () => {
  const world = new World();
  const counter = world.word('counter');
  const increment = function* () {
    const value = yield* counter.read();
    yield* counter.write(value + 1);
  };
  const scenario = world.scenario([increment, increment], () =>
    counter.value === 2 ? undefined : 'lost update',
  );
  const { finding } = explore(scenario);
  assert.deepEqual(finding, {
    property: 'lost update',
    schedule: '0110',
    steps: [
      { actor: 'increment', does: 'read counter' },
      { actor: 'increment', does: 'read counter' },
      { actor: 'increment', does: 'write counter' },
      { actor: 'increment', does: 'write counter' },
    ],
    state: { before: [{ of: 'counter', is: '1' }], after: [{ of: 'counter', is: '1' }] },
  });
  assert.deepEqual(replay(scenario, '0110'), finding);
});

test('increments by fetch-and-add, by compare-and-swap and under a lock lose none', () => {
  const world = new World();
  const [counter, lock] = [world.word('counter'), world.spinlock('lock')];
  const scenario = world.scenario(
    [
      function* adding() {
        yield* counter.fetchAdd(1);
      },
      function* swapping() {
        for (;;) {
          const before = yield* counter.read();
          if (yield* counter.cas(before, before + 1)) return;
        }
      },
      function* locking() {
        yield* lock.lock();
        yield* counter.fetchAdd(1);
        yield* lock.unlock();
      },
    ],
    () => (counter.value === 3 ? undefined : 'lost update'),
  );
  assert.equal(findIn(scenario), undefined);
});

test('a compare-and-swap that fails is a read, and is told as one', () => {
  const world = new World();
  const [word, failed] = [world.word('word'), world.word('failed')];
  const swapping = (expected: number) =>
    function* swapping() {
      if (!(yield* word.cas(expected, 1))) yield* failed.fetchAdd(1);
    };
  // Those that want a 2 come to the same before and behind each other.
  const scenario = (isAllowed: (failures: number) => boolean) =>
    world.scenario([swapping(0), swapping(2), swapping(2)], () =>
      isAllowed(failed.value) ? undefined : 'failed',
    );
  // Each may read before or behind the write; the failures are counted in either order.
  assert.equal(explore(scenario(() => true)).executions, 2 * 2 * 2);
  const finding = explore(scenario((failures) => failures < 2)).finding!;
  assert.deepEqual(finding.steps.map(({ does }) => does).sort(), [
    'cas failed word',
    'cas failed word',
    'cas word',
    'write failed',
    'write failed',
  ]);
});

/** Two threads that take two locks, each in its own order. */
function crossing(first: 'lock' | 'try', second: 'lock' | 'try'): Scenario {
  const world = new World();
  const [a, b] = [world.mutex('a'), world.mutex('b')];
  const take = (outer: typeof a, inner: typeof a, how: 'lock' | 'try') =>
    function* taker() {
      yield* outer.lock();
      if (how === 'lock') {
        yield* inner.lock();
        yield* inner.unlock();
      } else if (yield* inner.tryLock()) {
        yield* inner.unlock();
      }
      yield* outer.unlock();
    };
  return world.scenario([take(a, b, first), take(b, a, second)]);
}

test('locks taken in both orders are a cycle, unless one of them is only tried', () => {
  assert.equal(findIn(crossing('lock', 'lock')), LOCK_ORDER);
  assert.equal(findIn(crossing('lock', 'try')), undefined);
  assert.equal(findIn(crossing('try', 'try')), undefined);
});

test('a lock that was got by trying is the start of a cycle', () => {
  const world = new World();
  const [a, b] = [world.mutex('a'), world.mutex('b')];
  const scenario = world.scenario([
    function* trying() {
      if (!(yield* a.tryLock())) return;
      yield* b.lock();
      yield* b.unlock();
      yield* a.unlock();
    },
    function* waiting() {
      yield* b.lock();
      yield* a.lock();
      yield* a.unlock();
      yield* b.unlock();
    },
  ]);
  assert.equal(findIn(scenario), LOCK_ORDER);
});

test('a lock taken again by its holder, and a second read lock, are self-deadlocks', () => {
  const world = new World();
  const [mutex, rw] = [world.mutex('mutex'), world.rwSemaphore('rw')];
  const twice = function* () {
    yield* mutex.lock();
    yield* mutex.lock();
  };
  const upgrade = function* () {
    yield* rw.downRead();
    yield* rw.downWrite();
  };
  assert.equal(findIn(world.scenario([twice])), SELF_DEADLOCK);
  assert.equal(findIn(world.scenario([upgrade])), SELF_DEADLOCK);
});

test('whoever holds a spinlock may not wait for a mutex', () => {
  const world = new World();
  const [spin, mutex] = [world.spinlock('spin'), world.mutex('mutex')];
  const sleeper = function* () {
    yield* spin.lock();
    yield* mutex.lock();
    yield* mutex.unlock();
    yield* spin.unlock();
  };
  assert.equal(findIn(world.scenario([sleeper])), ATOMIC_SLEEP);
});

test('two threads that wait for each other are a deadlock', () => {
  const world = new World();
  const [x, y] = [world.word('x'), world.word('y')];
  const wait = (mine: typeof x, other: typeof x) =>
    function* waiter() {
      yield* other.until((value) => value === 1);
      yield* mine.write(1);
    };
  assert.equal(findIn(world.scenario([wait(x, y), wait(y, x)])), DEADLOCK);
});

/** One thread waits for a flag that another one sets; both look at it under the lock, or not. */
function waitForFlag(isLocked: boolean): Scenario {
  const world = new World();
  const [flag, lock, condition] = [world.word('flag'), world.mutex('lock'), world.condition('set')];
  return world.scenario([
    function* waiter() {
      if (isLocked) yield* lock.lock();
      const isSet = yield* flag.read();
      if (!isLocked) yield* lock.lock();
      if (isSet === 0) yield* condition.wait(lock);
      yield* lock.unlock();
    },
    function* setter() {
      yield* lock.lock();
      yield* flag.write(1);
      yield* condition.signal();
      yield* lock.unlock();
    },
  ]);
}

test('a flag that is read before the lock is taken loses the wake-up', () => {
  assert.equal(findIn(waitForFlag(true)), undefined);
  assert.equal(findIn(waitForFlag(false)), LOST_WAKEUP);
});

test('a signal wakes any one of those who wait', () => {
  const world = new World();
  const [lock, condition] = [world.mutex('lock'), world.condition('condition')];
  const woken = new Set<string>();
  const waiter = (name: string) =>
    function* waiter() {
      yield* lock.lock();
      yield* condition.wait(lock);
      woken.add(name);
      yield* lock.unlock();
      yield* condition.signal();
    };
  const scenario = world.scenario([
    waiter('one'),
    waiter('two'),
    function* first() {
      yield* condition.signal();
    },
  ]);
  assert.equal(findIn(scenario), LOST_WAKEUP);
  assert.deepEqual([...woken].sort(), ['one', 'two']);
});

test('after a downgrade readers get in and writers do not', () => {
  const world = new World();
  const [lock, x] = [world.rwSemaphore('lock'), world.word('x')];
  const seen = new Set<string>();
  const scenario = world.scenario([
    function* downgrading() {
      yield* lock.downWrite();
      yield* x.write(1);
      yield* lock.downgradeWrite();
      const before = yield* x.read();
      const after = yield* x.read();
      if (before !== after) world.violate('written under a read lock');
      yield* lock.upRead();
    },
    function* writing() {
      yield* lock.downWrite();
      yield* x.write(2);
      yield* lock.upWrite();
    },
    function* reading() {
      const isIn = yield* lock.downReadTrylock();
      seen.add(`${isIn}`);
      if (isIn) yield* lock.upRead();
    },
  ]);
  assert.equal(findIn(scenario), undefined);
  assert.deepEqual([...seen].sort(), ['false', 'true']);
});

test('an unlock by another thread than the holder is found', () => {
  const world = new World();
  const lock = world.mutex('lock');
  const scenario = world.scenario([
    function* stray() {
      yield* lock.unlock();
    },
  ]);
  assert.equal(findIn(scenario), 'unlock by another thread');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostReport } from '../../test/host_report.ts';
import { ChangeDetector, changeSentence } from './changes.ts';
import { type Sample, sampleOf } from './sample.ts';

const MIB = 2 ** 20;
const sample = sampleOf(hostReport());
const small: Sample = {
  ...sample,
  host: { ...sample.host, pageTablesBytes: 10 * MIB, duplicateBytes: 0 },
  objects: [],
  groups: [{ name: 'db', processes: 2, tableBytes: 4 * MIB, duplicateBytes: 0 }],
};

function grown(bytes: number, processes = 2): Sample {
  const [group] = small.groups;
  return { ...small, groups: [{ ...group!, processes, tableBytes: group!.tableBytes + bytes }] };
}

test('nothing is said of the first sample, nor of one that is much the same', () => {
  const detector = new ChangeDetector();
  assert.deepEqual(detector.next(small), []);
  assert.deepEqual(detector.next(grown(MIB - 1)), []);
});

test('a change is said with what it was when last said', () => {
  const detector = new ChangeDetector();
  detector.next(small);
  assert.deepEqual(detector.next(grown(3 * MIB, 5)).map(changeSentence), [
    'db +3 MiB: 4 MiB -> 7 MiB, 2 -> 5 processes',
  ]);
  assert.deepEqual(detector.next(grown(3 * MIB, 5)), []);
});

test('what grows slowly is said when it has grown enough', () => {
  const detector = new ChangeDetector();
  detector.next(small);
  const told = Array.from({ length: 10 }, (_, i) => detector.next(grown((i + 1) * 0.3 * MIB)));
  assert.deepEqual(
    told.map((changes) => changes.length),
    [0, 0, 0, 1, 0, 0, 0, 1, 0, 0],
  );
});

test('what comes and goes is said, and forgotten', () => {
  const detector = new ChangeDetector();
  detector.next({ ...small, groups: [] });
  assert.equal(
    changeSentence(detector.next(small)[0]!),
    'db +4 MiB: 0 B -> 4 MiB, 0 -> 2 processes',
  );
  const [gone] = detector.next({ ...small, groups: [] });
  assert.equal(gone?.afterBytes, 0);
  assert.deepEqual(detector.next({ ...small, groups: [] }), []);
});

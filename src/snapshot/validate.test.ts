import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anySnapshot } from '../../test/fixtures/arbitrary_snapshot.ts';
import { GIB, generateHost } from '../../test/fixtures/generate_host.ts';
import type { HostSnapshot, MappedObject, Mm, Runs, Vma } from './records.ts';
import { SnapshotError } from './snapshot_error.ts';
import { validateSnapshot } from './validate.ts';

const host = generateHost({ processes: 2, segmentBytes: GIB });
const [first, second] = host.mms as [Mm, Mm];

const withHost = (facts: object): HostSnapshot => ({ ...host, host: { ...host.host, ...facts } });
const withMm = (mm: Partial<Mm>): HostSnapshot => ({ ...host, mms: [{ ...first, ...mm }, second] });
const withObject = (object: Partial<MappedObject>): HostSnapshot => ({
  ...host,
  objects: [{ ...host.objects[0]!, ...object }, ...host.objects.slice(1)],
});
const withVma = (vma: Partial<Vma>): HostSnapshot =>
  withMm({ vmas: [{ ...first.vmas[0]!, ...vma }, ...first.vmas.slice(1)] });

/** The first run, of the first mapping: one slot. */
function withRun(column: Exclude<keyof Runs, 'length'>, value: number): HostSnapshot {
  const changed = first.runs[column].slice();
  changed[0] = value;
  return withMm({ runs: { ...first.runs, [column]: changed } });
}

const slot = first.runs.slot[0]!;

const REFUSED: readonly [what: RegExp, snapshot: HostSnapshot][] = [
  [/header\.takenAt/, { ...host, takenAt: 'yesterday' }],
  [/header\.takenAt/, { ...host, takenAt: '1969-12-31T23:59:59Z' }],
  [/header\.host\.geometry/, withHost({ geometry: 'vax' })],
  [/header\.host\.memTotalBytes/, withHost({ memTotalBytes: -1 })],
  [/header\.host\.memTotalBytes/, withHost({ memTotalBytes: Number.NaN })],
  [/header\.host: a key is not known/, withHost({ colour: 'red' })],
  [/header\.host\.hugetlbPools\.0\.total/, withHost({ hugetlbPools: [{ pageBytes: 1 }] })],
  [/header\.coverage\.notes/, { ...host, coverage: { ...host.coverage, notes: [7 as never] } }],
  [/object 0: its kind/, withObject({ kind: 'socket' as never })],
  [/object 0: its device/, withObject({ device: '0:1;' })],
  [/object 0: its inode/, withObject({ inode: '-1' })],
  [/object 0: its page size is no multiple/, withObject({ pageBytes: 4097 })],
  [/object 0: its page size is 0/, withObject({ pageBytes: 0 })],
  [/process 0: a pid is 0/, withMm({ pid: 0 })],
  [/process 1001: a pid occurs twice/, withMm({ pid: 1001 })],
  [/process 1001: a pid occurs twice/, withMm({ sharers: [1001] })],
  [/process 1000: its parent/, withMm({ parentPid: -1 })],
  [/process 1000: its uid/, withMm({ uid: 2 ** 32 })],
  [/process 1000: its visibility/, withMm({ visibility: 'smaps' as never })],
  [/process 1000: its VmPTE/, withMm({ vmPtePages: 2 ** 28 + 1 })],
  [/process 1000: its VmPTE/, withMm({ vmPtePages: 0.5 })],
  [/process 1000: it has mappings, although/, withMm({ visibility: 'status' })],
  [/process 1000: its names take more/, withMm({ comm: 'x'.repeat(2 ** 23 + 1) })],
  [/mapping 0: its start is not/, withVma({ start: -1 })],
  [/mapping 0: it is empty/, withVma({ end: first.vmas[0]!.start })],
  [/mapping 0: its end is not/, withVma({ end: Number.POSITIVE_INFINITY })],
  [/mapping 0: it ends behind/, withMm({ vmas: [{ ...first.vmas[0]!, end: 2 ** 36 + 1 }] })],
  [/mapping 1: it begins below/, withVma({ end: first.vmas[1]!.end })],
  [/mapping 0: its protection/, withVma({ protection: 8 })],
  [/mapping 0: its offset/, withVma({ offset: 0.5 })],
  [/mapping 0: its object is below/, withVma({ object: -2 })],
  [/mapping 0: its object does not exist/, withVma({ object: host.objects.length })],
  [/differ in length/, withMm({ runs: { ...first.runs, length: 1 } })],
  [/a run belongs to no mapping/, withRun('vma', first.vmas.length)],
  [/not sorted by mapping/, withRun('vma', 2)],
  [/a run belongs to no mapping|not sorted/, withRun('vma', -1)],
  [/a slot is not a number/, withRun('slot', slot + 0.5)],
  [/not sorted by slot/, withRun('slot', Number.NaN)],
  [/a run begins below/, withRun('slot', slot - 1)],
  [/a run ends behind/, withRun('slot', slot + 1)],
  [/a run is empty/, withRun('count', 0)],
  [/a run ends behind/, withRun('count', 2)],
  [/the kind of a run/, withRun('kind', 0)],
  [/the kind of a run/, withRun('kind', 9)],
  [/too many pages/, withRun('pages', 513)],
  [/too many pages/, withRun('pages', -1)],
  [/a content id is negative/, withRun('content', -1)],
];

test('validateSnapshot() accepts every snapshot that records allow', () => {
  fc.assert(fc.property(anySnapshot(), (snapshot) => validateSnapshot(snapshot)));
});

test('validateSnapshot() names what is wrong, and where', () => {
  validateSnapshot(host);
  for (const [what, snapshot] of REFUSED) {
    assert.throws(
      () => validateSnapshot(snapshot),
      (error) => {
        assert.ok(error instanceof SnapshotError, String(error));
        assert.match(error.message, what);
        return true;
      },
      String(what),
    );
  }
});

test('runs of one mapping must not overlap, nor run past the last content id', () => {
  const [vma] = first.vmas;
  const mapping = { ...vma!, start: 0, end: 4 * 512 };
  const runs = (slots: number[], counts: number[], content: number[]): HostSnapshot =>
    withMm({
      vmas: [mapping],
      runs: {
        length: slots.length,
        vma: new Int32Array(slots.length),
        slot: Float64Array.from(slots),
        count: Int32Array.from(counts),
        kind: new Uint8Array(slots.length).fill(1),
        pages: new Float64Array(slots.length),
        content: Int32Array.from(content),
      },
    });
  validateSnapshot(runs([0, 2], [2, 2], [1, 2 ** 31 - 2]));
  assert.throws(() => validateSnapshot(runs([0, 1], [2, 2], [0, 0])), /not sorted by slot/);
  assert.throws(() => validateSnapshot(runs([0], [3], [2 ** 31 - 2])), /id is too large/);
});

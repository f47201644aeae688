import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import { FEED, hostileReport, hostReport, POSTGRES } from '../../../test/host_report.ts';
import type { HostReport } from '../schema.ts';
import { compareReports } from './compare.ts';
import { renderComparison } from './render_text.ts';
import { type Comparison, comparisonSchema } from './schema.ts';

const PAGE = 4096;

/** The host with PostgreSQL restarted on huge pages, saving `pages` in its own tables. */
function afterRestart(pages: number, sharedPmdPages = 0): HostReport {
  const report = hostReport();
  report.takenAt = '2026-01-15T10:40:00.000Z';
  report.groups.find(({ name }) => name === POSTGRES)!.vmPteBytes -= pages * PAGE;
  report.pageTables.sharedPmdBytes += sharedPmdPages * PAGE;
  const saved = (pages + sharedPmdPages) * PAGE;
  report.pageTables.reportedBytes -= saved;
  report.designs[0]!.beforeBytes -= saved;
  report.objects[0] = { ...report.objects[0]!, name: '/anon_hugepage', kind: 'hugetlb' };
  return report;
}

function verdict(comparison: Comparison, id: string): Comparison['designs'][number] {
  return comparison.designs.find((design) => design.id === id)!;
}

test('a design is measured in the groups that it was to help', () => {
  const before = hostReport();
  // The feed was to get 3 % of the saving and got nothing: it was not restarted.
  const comparison = compareReports(before, afterRestart(792_610));
  const { predictedBytes, measuredBytes, percent, groups } = verdict(comparison, 'hugetlb-2m');
  assert.deepEqual(groups, [POSTGRES, FEED]);
  assert.equal(predictedBytes, (792_610 + 24_540) * PAGE);
  assert.equal(measuredBytes, 792_610 * PAGE);
  assert.equal(percent, (792_610 / (792_610 + 24_540)) * 100);
});

test('PMD tables that VmPTE counts for each sharer are counted once', () => {
  const comparison = compareReports(hostReport(), afterRestart(792_600, 10));
  assert.equal(verdict(comparison, 'hugetlb-2m').measuredBytes, 792_610 * PAGE);
});

test('what the whole host saved is told as the kernel reports it, and for processes', () => {
  const { reported, user } = compareReports(hostReport(), afterRestart(1000));
  assert.equal(reported.savesBytes, 1000 * PAGE);
  assert.equal(user.savesBytes, 1000 * PAGE);
  assert.equal(reported.beforeBytes - reported.afterBytes, reported.savesBytes);
});

test('segments that became hugetlb objects put hugetlb in force', () => {
  assert.equal(compareReports(hostReport(), afterRestart(792_610)).inForce, 'hugetlb-2m');
});

test('of several hugetlb designs, the one that was advised is in force', () => {
  const before = hostReport();
  const aligned = { ...before.designs[1]!, id: 'hugetlb-2m-aligned' };
  before.designs.push(aligned);
  before.advice[0]!.design = 'hugetlb-2m-aligned';
  before.advice[1]!.design = 'hugetlb-2m-aligned';
  assert.equal(compareReports(before, afterRestart(792_610)).inForce, 'hugetlb-2m-aligned');
});

test('segments that stayed without their tables put huge shmem pages in force', () => {
  const after = hostReport();
  for (const object of after.objects.slice(0, 2)) object.tableBytes /= 100;
  assert.equal(compareReports(hostReport(), after).inForce, 'shmem-thp');
});

test('nothing is in force where nothing changed, or a segment just went', () => {
  assert.equal(compareReports(hostReport(), hostReport()).inForce, null);
  const after = hostReport();
  after.objects = after.objects.filter(({ kind }) => kind === 'file');
  assert.equal(compareReports(hostReport(), after).inForce, null);
});

test('a design that promised nothing has no percentage', () => {
  const before = hostReport();
  before.designs[1]!.gains = [];
  const { percent, measuredBytes } = verdict(compareReports(before, hostReport()), 'hugetlb-2m');
  assert.equal(percent, null);
  assert.equal(measuredBytes, 0);
});

test('groups that came or went count from and to nothing', () => {
  const after = hostReport();
  after.groups = after.groups.filter(({ name }) => name !== 'java');
  after.groups.push({ name: 'late', processes: 2, vmPteBytes: 3 * PAGE, duplicateBytes: 0 });
  const { groups } = compareReports(hostReport(), after);
  const java = groups.find(({ name }) => name === 'java')!;
  assert.deepEqual([java.processesBefore, java.processesAfter, java.afterBytes], [1, 0, 0]);
  assert.equal(groups.find(({ name }) => name === 'late')!.savesBytes, -3 * PAGE);
  const sizes = groups.map(({ savesBytes }) => Math.abs(savesBytes));
  assert.deepEqual(
    sizes,
    sizes.toSorted((a, b) => b - a),
  );
});

test('what makes two hosts hard to compare is said', () => {
  const after = afterRestart(792_610);
  after.hostname = 'db8';
  after.kernel.release = '6.19.0';
  after.exactness.wholeHost = false;
  after.groups.find(({ name }) => name === POSTGRES)!.processes = 98;
  assert.equal(compareReports(hostReport(), after).notes.length, 4);
  assert.match(
    compareReports(hostReport(), after).notes[3]!,
    /^postgres had 99 processes before and has 98 now/,
  );
  assert.deepEqual(compareReports(hostReport(), hostReport()).notes, []);
});

test('a comparison validates against its schema, and reads within the terminal', () => {
  const comparison = compareReports(hostileReport(), afterRestart(792_610));
  assert.deepEqual(comparisonSchema.parse(comparison), comparison);
  for (const width of [60, 80, 120]) {
    const text = renderComparison(comparison, { width, color: false, unicode: true, rows: 10 });
    assert.deepEqual(
      text.split('\n').filter((line) => stringWidth(line) > width),
      [],
    );
    assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  }
});

test('the text puts the prediction and the measurement in one sentence', () => {
  const comparison = compareReports(hostReport(), afterRestart(792_610));
  const text = renderComparison(comparison, { width: 200, color: false, unicode: true, rows: 10 });
  assert.match(
    text,
    /In force now: hugetlb-2m. Predicted: 3.12 GiB; measured: 3.02 GiB, 97% of it/,
  );
  assert.match(text, /Page tables fell from 3.21 GiB to 193 MiB, by 3.02 GiB \(94%\)/);
});

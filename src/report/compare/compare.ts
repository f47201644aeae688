/** Holds a host after a change against what was predicted before it. */

import { designById, TODAY } from '../headline.ts';
import { counted } from '../quantity.ts';
import type { DesignEntry, HostReport } from '../schema.ts';
import { designInForce } from './recognise.ts';
import {
  type Change,
  COMPARE_SCHEMA,
  type Comparison,
  type GroupChange,
  type KindChange,
  type Verdict,
} from './schema.ts';

/** A group that was to get less than this part of a saving says nothing about the prediction. */
const GAIN_SHARE_MIN = 0.01;

export function compareReports(before: HostReport, after: HostReport): Comparison {
  const groups = groupChanges(before, after);
  const kinds = kindChanges(before, after);
  const designs = before.designs
    .filter(({ id }) => id !== TODAY)
    .map((design) => verdictOn(design, before, after, groups));
  const inForce = designInForce(before, kinds);
  return {
    schema: COMPARE_SCHEMA,
    before: sideOf(before),
    after: sideOf(after),
    reported: changeOf(before.pageTables.reportedBytes, after.pageTables.reportedBytes),
    user: changeOf(userBytes(before), userBytes(after)),
    groups,
    kinds,
    designs,
    inForce,
    notes: notesOn(
      before,
      after,
      groups,
      designs.find(({ id }) => id === inForce),
    ),
  };
}

function sideOf({ takenAt, hostname, kernel }: HostReport): Comparison['before'] {
  return { takenAt, hostname, kernelRelease: kernel.release };
}

function changeOf(beforeBytes: number, afterBytes: number): Change {
  return { beforeBytes, afterBytes, savesBytes: beforeBytes - afterBytes };
}

function userBytes(report: HostReport): number {
  return designById(report, TODAY)?.beforeBytes ?? 0;
}

function groupChanges(before: HostReport, after: HostReport): GroupChange[] {
  const old = new Map(before.groups.map((group) => [group.name, group]));
  const current = new Map(after.groups.map((group) => [group.name, group]));
  return [...new Set([...old.keys(), ...current.keys()])]
    .map((name) => ({
      name,
      processesBefore: old.get(name)?.processes ?? 0,
      processesAfter: current.get(name)?.processes ?? 0,
      ...changeOf(old.get(name)?.vmPteBytes ?? 0, current.get(name)?.vmPteBytes ?? 0),
    }))
    .sort((a, b) => Math.abs(b.savesBytes) - Math.abs(a.savesBytes));
}

function kindChanges(before: HostReport, after: HostReport): KindChange[] {
  const kinds = new Set([...before.objects, ...after.objects].map(({ kind }) => kind));
  return [...kinds].sort().map((kind) => {
    const old = before.objects.filter((object) => object.kind === kind);
    const current = after.objects.filter((object) => object.kind === kind);
    return {
      kind,
      mappedBeforeBytes: sum(old.map(({ mappedBytes }) => mappedBytes)),
      mappedAfterBytes: sum(current.map(({ mappedBytes }) => mappedBytes)),
      ...changeOf(
        sum(old.map(({ tableBytes }) => tableBytes)),
        sum(current.map(({ tableBytes }) => tableBytes)),
      ),
    };
  });
}

function verdictOn(
  { id, title, bound, gains }: DesignEntry,
  before: HostReport,
  after: HostReport,
  groups: readonly GroupChange[],
): Verdict {
  const promised = sum(gains.map(({ savesBytes }) => Math.max(savesBytes, 0)));
  const gaining = gains.filter(({ savesBytes }) => savesBytes >= promised * GAIN_SHARE_MIN);
  const names = gaining.map(({ group }) => group);
  const predictedBytes = sum(gaining.map(({ savesBytes }) => savesBytes));
  const inVmPte = sum(
    groups.filter(({ name }) => names.includes(name)).map(({ savesBytes }) => savesBytes),
  );
  // VmPTE of every sharer counts a shared hugetlb PMD table again; the prediction does not.
  const countedAgain = after.pageTables.sharedPmdBytes - before.pageTables.sharedPmdBytes;
  const measuredBytes = names.length === 0 ? 0 : inVmPte + countedAgain;
  const percent = predictedBytes === 0 ? null : (measuredBytes / predictedBytes) * 100;
  return { id, title, bound, groups: names, predictedBytes, measuredBytes, percent };
}

function notesOn(
  before: HostReport,
  after: HostReport,
  groups: readonly GroupChange[],
  inForce: Verdict | undefined,
): string[] {
  const notes: string[] = [];
  if (before.hostname !== after.hostname) {
    notes.push(`Two hosts: ${before.hostname} before, ${after.hostname} after`);
  }
  if (before.kernel.release !== after.kernel.release) {
    notes.push(`Two kernels: ${before.kernel.release} before, ${after.kernel.release} after`);
  }
  if (before.exactness.wholeHost !== after.exactness.wholeHost) {
    notes.push('One of the two does not see every process of its host');
  }
  if (groups.every(({ processesBefore, processesAfter }) => !processesBefore || !processesAfter)) {
    notes.push('No process group has the same name in both: was one of them redacted?');
  }
  for (const { name, processesBefore, processesAfter } of groups) {
    if (inForce?.groups.includes(name) !== true || processesBefore === processesAfter) continue;
    notes.push(
      `${name} had ${counted(processesBefore, 'process')} before and has ${processesAfter} now: not all of the difference is the design`,
    );
  }
  return notes;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

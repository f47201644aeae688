/**
 * What an answer about a fleet costs, and how that grows: snapshots of this host and of a made-up
 * one, varied, from 100 to 10,000 of them. With --save, the same is also written as a dataset.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { captureHost } from '../../src/capture/capture.ts';
import { generateHost } from '../../test/fixtures/generate_host.ts';
import { runFleet, writeSnapshots } from '../../test/fleet_run.ts';

const SIZES = [100, 1000, 10_000];
const SECONDS_MAX = 60;
const BYTES_MAX = 1e9;
/** Of the time per snapshot, the start of the program apart. */
const RATIO_MAX = 1.5;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const folder = mkdtempSync(join(tmpdir(), 'ptshare-bench-'));
try {
  const bases = [
    await captureHost({}),
    generateHost({ processes: 20, segmentBytes: 2 ** 30, statusOnly: 5 }),
  ];
  const costs = SIZES.map((size) => {
    const snapshots = join(folder, String(size));
    writeSnapshots(snapshots, bases, size);
    const { seconds, rssBytesMax, report } = runFleet(snapshots);
    const perSnapshot = (seconds * 1000) / size;
    say(
      `${String(size).padStart(6)} snapshots of ${report.hosts} hosts: ${seconds.toFixed(2)} s, ` +
        `${perSnapshot.toFixed(2)} ms each, ${(rssBytesMax / 1e6).toFixed(0)} MB`,
    );
    return { seconds, rssBytesMax, snapshots };
  });
  const [, middle, largest] = costs;
  const saved = runFleet(largest!.snapshots, '--save', join(folder, 'dataset'));
  say(`and written as a dataset: ${saved.seconds.toFixed(2)} s`);
  const again = runFleet(join(folder, 'dataset'));
  say(`and read from there: ${again.seconds.toFixed(2)} s`);
  const growth = largest!.seconds / SIZES[2]! / (middle!.seconds / SIZES[1]!);
  say(`a snapshot among ten times as many takes ${growth.toFixed(2)} times as long`);
  const isFine =
    largest!.seconds <= SECONDS_MAX && largest!.rssBytesMax <= BYTES_MAX && growth <= RATIO_MAX;
  process.exitCode = isFine ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

/** Real output of the other commands, made for these tests. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ptshare } from '../command_line.ts';

export interface Inputs {
  readonly folder: string;
  readonly snapshot: string;
  readonly report: string;
  readonly trace: string;
  readonly finding: string;
  remove(): void;
}

export function makeInputs(): Inputs {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-view-'));
  const path = (name: string): string => join(folder, name);
  const run = (args: readonly string[]): string => {
    const { status, stdout, stderr } = ptshare(args);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  run(['host', '--save', path('host.parquet')]);
  writeFileSync(path('host.json'), run(['host', '--from', path('host.parquet'), '--json']));
  run(['run', 'examples/run/fork.txt', '--trace', path('fork.ptt')]);
  writeFileSync(path('finding.json'), run(['check', 'CVE-2018-18281', '--on', '--json']));
  return {
    folder,
    snapshot: path('host.parquet'),
    report: path('host.json'),
    trace: path('fork.ptt'),
    finding: path('finding.json'),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { anySnapshot } from '../../test/fixtures/arbitrary_snapshot.ts';
import { GIB, generateHost } from '../../test/fixtures/generate_host.ts';
import { decodeSnapshot } from './decode.ts';
import { encodeSnapshot } from './encode.ts';
import type { HostSnapshot, Mm } from './records.ts';
import { redactSnapshot } from './redact.ts';

const hash = (text: string) => createHmac('sha256', 'key').update(text).digest('hex').slice(0, 16);

const SECRET = 'Secret Name';
const base = generateHost({ processes: 2, segmentBytes: GIB, statusOnly: 1 });

/** A host on which everything that can be named is named the same. */
function secretive(): HostSnapshot {
  const mms = base.mms.map(
    (mm): Mm => ({
      ...mm,
      comm: SECRET,
      commandLine: `run ${SECRET}`,
      cgroup: `/${SECRET}.slice`,
      vmas: mm.vmas.map((vma, i) => ({
        ...vma,
        label: [`[anon:${SECRET}]`, SECRET, `[anon:${SECRET}\n]`, vma.label][i % 4]!,
      })),
    }),
  );
  return {
    ...base,
    host: { ...base.host, hostname: SECRET },
    coverage: { ...base.coverage, notes: [`${SECRET} went away`] },
    objects: base.objects.map((object, i) => ({ ...object, name: `/srv/${SECRET}/${i}` })),
    mms,
  };
}

test('redactSnapshot() leaves no name in the file', () => {
  const redacted = redactSnapshot(secretive(), hash);
  // Uncompressed text, in case Snappy cut a name in two.
  for (const text of [JSON.stringify(redacted), Buffer.from(encodeSnapshot(redacted)).toString()]) {
    for (const word of SECRET.split(' ')) assert.ok(!text.includes(word), word);
  }
});

test('redactSnapshot() keeps equal names equal, and different ones different', () => {
  const { host, objects, mms } = redactSnapshot(secretive(), hash);
  assert.equal(host.hostname, hash(SECRET));
  for (const mm of mms) assert.equal(mm.comm, hash(SECRET));
  assert.equal(mms[0]!.vmas[0]!.label, `[anon:${hash(SECRET)}]`);
  assert.equal(mms[0]!.vmas[2]!.label, `[anon:${hash(`${SECRET}\n`)}]`);
  assert.equal(new Set(objects.map(({ name }) => name)).size, objects.length);
});

test('redactSnapshot() keeps [heap], [stack] and empty names', () => {
  const { mms } = redactSnapshot(base, hash);
  const labels = new Set(mms.flatMap((mm) => mm.vmas.map(({ label }) => label)));
  assert.deepEqual(labels, new Set(['', '[heap]', '[stack]']));
  assert.equal(mms[2]!.commandLine, '');
});

test('a redacted snapshot is a snapshot, with the same numbers', () => {
  fc.assert(
    fc.property(anySnapshot(), (snapshot) => {
      const redacted = redactSnapshot(snapshot, hash);
      assert.deepStrictEqual(decodeSnapshot(encodeSnapshot(redacted)), redacted);
      assert.deepStrictEqual(
        redacted.mms.map(({ runs, vmPtePages }) => ({ runs, vmPtePages })),
        snapshot.mms.map(({ runs, vmPtePages }) => ({ runs, vmPtePages })),
      );
    }),
  );
});

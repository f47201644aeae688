import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TraceLimits } from '../../src/trace/index.ts';
import {
  decodeTrace,
  encodeTrace,
  events,
  exportChrome,
  exportPerfetto,
  Mend,
  TraceError,
  TraceWriter,
} from '../../src/trace/index.ts';
import { traceStory } from '../fixtures/trace_story.ts';
import { newSeed } from '../seed.ts';
import { countAllocations } from './count_allocations.ts';
import { anyTraceMutant, withChecksum } from './trace_mutants.ts';

const RUNS = 10_000;
/** Of array buffers, for one file of at most a few KB. */
const BYTES_MAX = 8 * 2 ** 20;
const MILLISECONDS_MAX = 5000;

test('10,000 mutants each give a clear error or a valid trace, soon and in little memory', (context) => {
  const reasons = new Map<string, number>();
  let accepted = 0;
  const seed = newSeed();
  const check = (file: Uint8Array): void => {
    const began = performance.now();
    const bytes = countAllocations(() => {
      try {
        const trace = decodeTrace(file);
        const again = decodeTrace(encodeTrace(trace));
        assert.deepEqual([...events(again)], [...events(trace)]);
        exportChrome(trace);
        exportPerfetto(trace, () => {});
        accepted++;
      } catch (error) {
        if (!(error instanceof TraceError)) throw error;
        const reason = error.message.slice(error.message.indexOf(error.place) + error.place.length);
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }
    });
    assert.ok(performance.now() - began < MILLISECONDS_MAX, 'it takes too long');
    assert.ok(bytes <= BYTES_MAX, `it asks for ${bytes} bytes`);
  };
  fc.assert(fc.property(anyTraceMutant, check), { seed, numRuns: RUNS });
  context.diagnostic(`seed ${seed}: ${accepted} accepted, ${reasons.size} reasons of refusal`);
  // Mutants that all fail at the first check would prove nothing about the others.
  assert.ok(accepted > RUNS / 20, `only ${accepted} accepted`);
  assert.ok(reasons.size > 25, `only ${reasons.size} reasons: ${[...reasons.keys()].join('\n')}`);
});

function refuses(file: Uint8Array, message: RegExp, mend: Mend, limits?: TraceLimits): void {
  assert.throws(
    () => decodeTrace(file, limits),
    (error) => {
      assert.ok(error instanceof TraceError);
      assert.match(error.message, message);
      assert.equal(error.mend, mend);
      return true;
    },
  );
}

const file = encodeTrace(traceStory());

test('a file that is no trace, a damaged one and a newer one are told apart', () => {
  refuses(new Uint8Array(), /does not begin as a trace/, Mend.NOT_OURS);
  refuses(Buffer.from('{"traceEvents":[]}'), /does not begin as a trace/, Mend.NOT_OURS);
  refuses(file.subarray(0, file.length - 1), /checksum/, Mend.DAMAGED);
  refuses(file.subarray(0, 10), /./, Mend.DAMAGED);
  const newer = Uint8Array.from(file);
  newer[8] = 3;
  refuses(newer, /version 3, newer than 2/, Mend.NEWER);
});

test('a file whose end is missing is refused wherever it ends, even with a checksum that is right', () => {
  const body = file.subarray(0, -4);
  assert.deepEqual(withChecksum(body), Buffer.from(file));
  for (let length = 0; length < body.length; length++) {
    assert.throws(() => decodeTrace(withChecksum(body.subarray(0, length))), TraceError);
  }
});

test('a file that would take more memory than allowed is refused before it does', () => {
  const trace = new TraceWriter({ clock: 'ns', format: 'x86_64-4level' });
  const fork = trace.operation('mmap', 'a', 'b', 'c', 'd', 'e', 'f');
  for (let n = 0; n < 10_000; n++) trace.operationBegin(0, fork);
  const bomb = encodeTrace(trace.trace());
  assert.ok(bomb.length < 11_000, 'one byte for each event');
  const limits = { bytesMax: 2 ** 20, wordsMax: 16 * 10_000 };
  assert.equal(decodeTrace(bomb, limits).events, 10_000);
  refuses(bomb, /more events than allowed/, Mend.TOO_LARGE, { ...limits, wordsMax: 159_999 });
  refuses(bomb, /larger than allowed/, Mend.TOO_LARGE, { ...limits, bytesMax: 10_000 });
});

test('every version of the format is read for ever', () => {
  for (const story of [STORY_1, STORY_2]) {
    const known = decodeTrace(Buffer.from(story, 'base64'));
    assert.deepEqual([...events(known)], [...events(traceStory())]);
  }
  assert.deepEqual(Buffer.from(file).toString('base64'), STORY_2);
});

/** What `encodeTrace(traceStory())` wrote when version 1 was made. */
const STORY_1 = [
  'cHRzdHJhY2UBAA14ODZfNjQtNGxldmVsAAYKbW0gb2YgYmFzaBFtbWFwX2xvY2sgb2YgbW0gMAxmYXVsdCB0aHJl',
  'YWQVdGhlIGVuZCwg4oCccXVvdGVk4oCdBVAtVExCHGEgc3RhbGUgdHJhbnNsYXRpb24gd2FzIHVzZWQBBm11bm1h',
  'cAIFc3RhcnQGbGVuZ3RoIgEBAQIFFQgECRoNERAbEhsTDwcFBgMXGBkLCgwOFAYWHB0BAwQBAAIBAwQAAgEABAIB',
  'AwQBBQEBBAAEAQACAQMIAAYBAAQCAQAMAQAGAQUBAQQCBAIABAIABAIABAIEAgAEAAIABAIABAIBBAgEBgAUCgAF',
  'AAAA4tTL2wMcBAAALgIUBBQAAAQUAAQAFBQEHJwLnMPFxgT+////HwAAIBwAIAwwAP7fy9sDHAAcDDCAECSUmhIA',
  'AADi1MvbAxze1MvbAxwEAOLUy9sDHN7Uy9sDHAAEAOLUy9sDHACcw8XGBP7///8fAOLUy9sDHAQACADi1MvbAxze',
  '1MvbAxwMAJSaEgQABAEA4tTL2wMAHADe1MvbAwAcAAQCDBAUL3Vb6w==',
].join('');

/** The same, of version 2. */
const STORY_2 = [
  'cHRzdHJhY2UCAA14ODZfNjQtNGxldmVsAAYKbW0gb2YgYmFzaBFtbWFwX2xvY2sgb2YgbW0gMAxmYXVsdCB0aHJl',
  'YWQVdGhlIGVuZCwg4oCccXVvdGVk4oCdBVAtVExCHGEgc3RhbGUgdHJhbnNsYXRpb24gd2FzIHVzZWQBBm11bm1h',
  'cAIFc3RhcnQGbGVuZ3RoIgEBAQIFFQgECRoNERAbEhsTDwcFBgMXGBkLCgwOFAYWHB0BAwQBAAIBAwQAAgEABAIB',
  'AwQBBQEBBAAEAQACAQMIAAYBAAQCAQAMAQAGAQUBAQQCBAIABAIABAIABAIEAgAEAAIABAIABAIBBAgEBgAUCgAF',
  'AAAA4tTL2wMcBAAALgIUBBQAAAQUAAQAFBQEHJwLnMPFxgT+////HwAAIBwAIAwwAP7fy9sDHAAcDDCAECSUmhIA',
  'AADi1MvbAxze1MvbAxwEAOLUy9sDHN7Uy9sDHAAEAOLUy9sDHACcw8XGBP7///8fAOLUy9sDHAQACADi1MvbAxze',
  '1MvbAxwMAJSaEgQABAEA4tTL2wMAHADe1MvbAwAcAAQCDBAUAGmy5bA=',
].join('');

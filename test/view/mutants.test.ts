/** Files that are not what they should be: said clearly, soon, and without ending anything. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { readDocument } from '../../src/document/documents.ts';
import { explainFailure } from '../../src/document/explain_failure.ts';
import { Findings } from '../../src/document/findings.ts';
import { HostDocument } from '../../src/document/host.ts';
import { TraceDecoder, TraceError } from '../../src/trace/index.ts';
import { anyTraceMutant } from '../hostile/trace_mutants.ts';
import { judgedTest } from '../live/judge.ts';
import { newSeed } from '../seed.ts';
import { browserJudge, withViewer } from './browser.ts';
import { type Inputs, makeInputs } from './inputs.ts';

const TRACES = 7000;
const PIECES = 1000;
const REPORTS = 3000;
const IN_BROWSER = 60;
const MILLISECONDS_MAX = 5000;

let made: Inputs | undefined;
const inputs = (): Inputs => {
  made ??= makeInputs();
  return made;
};
after(() => made?.remove());

/** Opens a file as the worker does, and asks for all that the views ask for. */
function view(file: Uint8Array): 'shown' | 'refused' {
  const began = performance.now();
  try {
    const document = readDocument('a file', file);
    if (document instanceof HostDocument) {
      for (const pid of document.spaces.slice(0, 3)) document.strip(pid);
      document.compareWith(document);
    } else if (!(document instanceof Findings)) {
      while (document.read()) document.timeline();
      const last = document.events - 1;
      for (const event of [0, last >> 1, last]) document.picture(Math.max(event, 0));
      document.lines(0, 60);
      document.search('frame', 0, true);
    }
    return 'shown';
  } catch (error) {
    const { message, mend } = explainFailure(error);
    assert.doesNotMatch(message, /fault of ptshare/, String((error as Error).stack));
    assert.ok(message.length > 10 && mend.length > 0, message);
    return 'refused';
  } finally {
    assert.ok(performance.now() - began < MILLISECONDS_MAX, 'it takes too long');
  }
}

test(`${TRACES} mutated traces are shown or refused`, (context) => {
  const seed = newSeed();
  const seen = { shown: 0, refused: 0 };
  fc.assert(
    fc.property(anyTraceMutant, (file) => {
      seen[view(file)]++;
    }),
    { seed, numRuns: TRACES },
  );
  context.diagnostic(`seed ${seed}: ${seen.shown} shown, ${seen.refused} refused`);
  assert.ok(seen.shown > TRACES / 20 && seen.refused > TRACES / 20);
});

/** Reads a file of which `part` has arrived at first, from 0 to 1. @returns whether it is a trace */
function isTraceInPieces(file: Uint8Array, part: number): boolean {
  const bytes = new Uint8Array(file.length);
  const first = Math.floor(part * file.length);
  bytes.set(file.subarray(0, first));
  try {
    const early = TraceDecoder.begin(bytes, first);
    while (early?.next() === true);
    bytes.set(file);
    early?.arrive(file.length);
    const decoder = early ?? TraceDecoder.begin(bytes, file.length)!;
    while (decoder.next());
    return decoder.isDone;
  } catch (error) {
    assert.ok(error instanceof TraceError, String(error));
    return false;
  }
}

test(`${PIECES} mutated traces in pieces are what they are as a whole`, () => {
  const isWhole = (file: Uint8Array): boolean => isTraceInPieces(file, 1);
  const part = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(anyTraceMutant, part, (file, share) => {
      assert.equal(isTraceInPieces(file, share), isWhole(file));
    }),
    { numRuns: PIECES },
  );
});

/** Text with parts cut out, doubled, or replaced by what JSON and reports do not expect. */
const anyTextEdit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.nat(60),
  insert: fc.constantFrom('', '-', '1e309', 'null', '"\\u0000"', '[]', '{}', '9'.repeat(25), ','),
});

test(`${REPORTS} mutated reports and findings are shown or refused`, (context) => {
  const originals = [inputs().report, inputs().finding].map((path) => readFileSync(path, 'utf8'));
  const seed = newSeed();
  const seen = { shown: 0, refused: 0 };
  const mutant = fc.tuple(fc.constantFrom(...originals), fc.array(anyTextEdit, { maxLength: 3 }));
  fc.assert(
    fc.property(mutant, ([text, edits]) => {
      const edited = edits.reduce((before, { at, length, insert }) => {
        const from = Math.floor(at * before.length);
        return before.slice(0, from) + insert + before.slice(from + length);
      }, text);
      seen[view(Buffer.from(edited))]++;
    }),
    { seed, numRuns: REPORTS },
  );
  context.diagnostic(`seed ${seed}: ${seen.shown} shown, ${seen.refused} refused`);
  assert.ok(seen.refused > REPORTS / 20);
});

judgedTest(
  'a sample of them in the browser: it goes on as if nothing had been',
  [browserJudge],
  async () => {
    const seed = newSeed();
    const files = fc.sample(anyTraceMutant, { seed, numRuns: IN_BROWSER });
    await withViewer({ file: inputs().report }, async ({ page }) => {
      await page.getByRole('heading', { name: 'Who pays' }).waitFor();
      const open = page.locator('.top-bar input[type=file]');
      for (const [index, buffer] of files.entries()) {
        await open.setInputFiles({
          name: `${index}.ptt`,
          mimeType: '',
          buffer: Buffer.from(buffer),
        });
        const outcome = page.locator(`.problem, .file-name[title="${index}.ptt"]`).first();
        await outcome.waitFor({ timeout: MILLISECONDS_MAX });
        const dismiss = page.getByRole('button', { name: 'Dismiss' });
        if ((await dismiss.count()) > 0) await dismiss.click();
      }
      await open.setInputFiles(inputs().trace);
      await page.locator('.file-name[title="fork.ptt"]').waitFor();
    });
  },
);

/** Scripts that somebody has damaged: each is run, or refused in words; none crashes or hangs. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseScript, ScriptError, Session } from '../../src/script/index.ts';
import { Random } from '../kernel/random.ts';
import { newSeed } from '../seed.ts';
import { mutate } from './mutate.ts';
import { blanked, SMALL } from './run_script.ts';

const SCRIPTS = 10_000;
const STATEMENT_MS_MAX = 5_000;
/** Small, so that it runs out now and then. */
const MEMORY_BYTES = 2 ** 22;
const EXAMPLES = 'examples/run';

const originals = readdirSync(EXAMPLES)
  .filter((name) => name.endsWith('.txt'))
  .map((name) => readFileSync(join(EXAMPLES, name), 'utf8'));

/** How many statements of `text` were run; a mistake ends it. */
function runMutant(text: string, seen: Set<string>): number {
  let performed = 0;
  let session: Session | undefined;
  try {
    const statements = parseScript(text);
    session = new Session({ mm: blanked, ...SMALL, memoryBytes: MEMORY_BYTES, onStep: () => {} });
    for (const statement of statements) {
      const start = performance.now();
      session.execute(statement);
      performed++;
      assert.ok(performance.now() - start < STATEMENT_MS_MAX, 'a statement ends soon');
    }
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    assert.notEqual(error.reason, '');
    assert.notEqual(error.mend, '');
    assert.ok(error.place !== undefined, error.reason);
    seen.add(error.reason.replace(/\d+/g, 'N'));
  }
  assert.equal(session?.audit(), undefined);
  return performed;
}

test(`${SCRIPTS} mutated scripts are run, or refused with a place and a way out`, (context) => {
  const seed = newSeed();
  const random = new Random(seed);
  const seen = new Set<string>();
  let performed = 0;
  for (let count = 0; count < SCRIPTS; count++) {
    const text = mutate(originals[random.below(originals.length)]!, random);
    try {
      performed += runMutant(text, seen);
    } catch (error) {
      throw new Error(`seed ${seed}, script ${count}:\n${text}`, { cause: error });
    }
  }
  context.diagnostic(`seed ${seed}: ${performed} statements, ${seen.size} kinds of mistakes`);
  assert.ok(performed > SCRIPTS);
  assert.ok(seen.size > 50);
});

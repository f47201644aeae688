/**
 * How many lines of a recording are replayed in a minute, beside a pass that only cuts the same bytes
 * into lines, and what memory it takes for ten times as much.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { hostFacts } from '../../src/cli/replay/host_facts.ts';
import { Lines } from '../../src/cli/replay/lines.ts';
import { blankedEngine } from '../../src/cli/run/engine.ts';
import { LIMITS, Replay } from '../../src/replay/index.ts';

const NAMES = ['shell', 'threads', 'plain', 'segments'];
const CHUNK_BYTES = 2 ** 18;
const ROUNDS = 5;

const bytes = Buffer.concat(
  NAMES.map((name) => readFileSync(`test/replay/recordings/${name}.strace`)),
);

/** The recordings over and over, `times` of them. */
function* chunks(times: number): Generator<Buffer> {
  const each = Math.ceil(CHUNK_BYTES / bytes.length);
  const chunk = Buffer.concat(Array.from({ length: each }, () => bytes));
  for (let done = 0; done < times; done += each) yield chunk;
}

async function plainPass(times: number): Promise<number> {
  let lines = 0;
  for await (const _ of createInterface({ input: Readable.from(chunks(times)) })) lines++;
  return lines;
}

const mm = await blankedEngine();
let peak = 0;

function replayPass(times: number): number {
  const replay = new Replay({ mm, facts: hostFacts(), isStrict: true });
  const lines = new Lines(LIMITS.lineLength, (line) => replay.line(line));
  for (const chunk of chunks(times)) {
    lines.push(chunk);
    peak = Math.max(peak, process.memoryUsage().rss);
  }
  const report = replay.finish();
  if (report.differences > 0) throw new Error('Cannot measure: the replay differs');
  return report.lines;
}

async function perMinute(pass: (times: number) => number | Promise<number>): Promise<number> {
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    const lines = await pass(200);
    rates.push((lines / (performance.now() - start)) * 60_000);
  }
  return rates.sort((a, b) => a - b)[ROUNDS >> 1]!;
}

const million = (count: number): string => `${(count / 1e6).toFixed(1)} M`;
const plain = await perMinute(plainPass);
const replayed = await perMinute(replayPass);
console.log(`readline alone      ${million(plain)} lines/min`);
console.log(
  `replay              ${million(replayed)} lines/min, 1/${(plain / replayed).toFixed(0)} of it`,
);
for (const times of [130, 1300]) {
  peak = 0;
  replayPass(times);
  const size = ((times * bytes.length) / 1e6).toFixed(0);
  console.log(`${size.padStart(5)} MB of input     ${(peak / 2 ** 20).toFixed(0)} MiB at most`);
}

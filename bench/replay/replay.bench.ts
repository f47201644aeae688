/**
 * How many lines of a recording are replayed in a minute, beside a pass that only cuts the same bytes
 * into lines, and what memory the command takes for ten times as much.
 *
 * `PTSHARE_REPLAY_MEGABYTES` are the sizes of what it reads from a pipe, such as `10,100,1000`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { hostFacts } from '../../src/cli/replay/host_facts.ts';
import { Lines } from '../../src/cli/replay/lines.ts';
import { blankedEngine } from '../../src/cli/run/engine.ts';
import { LIMITS, Replay } from '../../src/replay/index.ts';

const NAMES = ['shell', 'threads', 'plain', 'segments'];
const CHUNK_BYTES = 2 ** 18;
const ROUNDS = 5;
const MEGABYTES = (process.env.PTSHARE_REPLAY_MEGABYTES ?? '10,100').split(',').map(Number);
const PTSHARE = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
/** The last that it prints: the most memory that it had, in KiB. */
const PRINT_PEAK = `process.on('exit', () => console.error(process.resourceUsage().maxRSS))`;

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

function replayPass(times: number): number {
  const replay = new Replay({ mm, facts: hostFacts(), isStrict: true });
  const lines = new Lines(LIMITS.lineLength, (line) => replay.line(line));
  for (const chunk of chunks(times)) lines.push(chunk);
  const report = replay.finish();
  if (report.differences > 0) throw new Error('Cannot measure: the replay differs');
  return report.lines;
}

/** In a process of its own. */
async function commandPass(times: number): Promise<{ lines: number; peak: number }> {
  const hook = `--import=data:text/javascript,${encodeURIComponent(PRINT_PEAK)}`;
  const command: ChildProcess = spawn(process.execPath, [hook, PTSHARE, 'replay', '--json', '-']);
  const [report, peak] = [text(command.stdout!), text(command.stderr!)];
  await pipeline(Readable.from(chunks(times)), command.stdin!);
  const [status] = await once(command, 'close');
  if (status !== 0) throw new Error(`Cannot measure: ${await peak}`);
  const { lines } = JSON.parse(await report) as { lines: number };
  return { lines, peak: Number((await peak).trim().split('\n').at(-1)) };
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
for (const megabytes of MEGABYTES) {
  const start = performance.now();
  const { lines, peak } = await commandPass(Math.ceil((megabytes * 1e6) / bytes.length));
  const rate = million((lines / (performance.now() - start)) * 60_000);
  const read = `${megabytes} MB of input`.padEnd(20);
  console.log(`${read}${(peak / 1024).toFixed(0)} MiB at most, ${rate} lines/min from a pipe`);
}

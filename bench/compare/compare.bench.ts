/** What `ptshare compare database` costs: 1500 backends over 300 GiB under all designs. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROUNDS = 5;
const SECONDS_MAX = 5;
const MEGABYTES_MAX = 500;
const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
/** Loaded first: only the program itself can tell at its end what it has used. */
const TELL = `import { writeSync } from 'node:fs';
process.on('exit', () => writeSync(3, JSON.stringify(process.resourceUsage())));`;

interface Measured {
  readonly seconds: number;
  /** Of processors: other programs do not show in it. */
  readonly busySeconds: number;
  readonly megabytes: number;
}

function compareDatabase(): Measured {
  const began = performance.now();
  const tell = `data:text/javascript,${encodeURIComponent(TELL)}`;
  const { status, stderr, output } = spawnSync(
    process.execPath,
    ['--import', tell, MAIN, 'compare', 'database', '--json'],
    { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], maxBuffer: 2 ** 27, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  const seconds = (performance.now() - began) / 1000;
  const used = JSON.parse(output[3]!) as NodeJS.ResourceUsage;
  const busySeconds = (used.userCPUTime + used.systemCPUTime) / 1e6;
  return { seconds, busySeconds, megabytes: used.maxRSS / 1000 };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

const runs = Array.from({ length: ROUNDS }, compareDatabase);
const seconds = median(runs.map((run) => run.seconds));
const busy = median(runs.map((run) => run.busySeconds));
const megabytes = Math.max(...runs.map((run) => run.megabytes));
const isMet = seconds <= SECONDS_MAX && megabytes <= MEGABYTES_MAX;
process.stdout.write(
  `compare database, 1500 processes, all designs: ${seconds.toFixed(2)} s (${busy.toFixed(2)} s of processors), ${megabytes.toFixed(0)} MB (bars ${SECONDS_MAX} s, ${MEGABYTES_MAX} MB: ${isMet ? 'met' : 'MISSED'})\n`,
);
process.exitCode = isMet ? 0 : 1;

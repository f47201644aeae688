/** Programs as they run on real hosts, idle and at work. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './at_end.ts';
import { PostgresServer } from './postgres.ts';
import { type RunningProgram, start } from './programs.ts';

export interface Workload {
  /** What `comm` of its processes starts with. */
  readonly comms: readonly string[];
  /** The processes that were started; those that they started belong to it too. */
  readonly pids: readonly number[];
  end(): Promise<void>;
}

export async function idlePostgres(): Promise<Workload> {
  const server = new PostgresServer();
  await server.start();
  return { comms: ['postgres'], pids: [server.pid], end: () => server.stop() };
}

export async function loadedPostgres(): Promise<Workload> {
  const server = new PostgresServer();
  await server.start();
  server.bench('-i', '-q', '-s', '5');
  const bench = server.startBench('-c', '8', '-j', '1', '-T', '3600', '-n');
  return {
    comms: ['postgres', 'pgbench'],
    pids: [server.pid, bench.pid],
    async end() {
      await bench.end();
      await server.stop();
    },
  };
}

export async function idleRedis(): Promise<Workload> {
  return running(['redis-server'], [(await startRedis()).server]);
}

export async function loadedRedis(): Promise<Workload> {
  const { server, socket } = await startRedis();
  const load = ['-t', 'set,get,lpush', '-r', '100000', '-d', '512', '-c', '20', '-l', '-q'];
  const bench = start('redis-benchmark', ['-s', socket, ...load]);
  return running(['redis-server', 'redis-benchmark'], [bench, server]);
}

async function startRedis(): Promise<{ server: RunningProgram; socket: string }> {
  const socket = join(temporaryFolder(), 'redis.sock');
  const options = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no'];
  const server = start('redis-server', options);
  await server.line(/ready to accept connections/i);
  return { server, socket };
}

/** Builds and drops structures for ever. */
const PYTHON = `
import json
print("ready", flush=True)
while True:
    table = {str(i): [i] * 20 for i in range(200000)}
    json.loads(json.dumps(table))
`;

export async function busyPython(): Promise<Workload> {
  const program = start('python3', ['-c', PYTHON]);
  await program.line(/^ready/);
  return running(['python'], [program]);
}

const NODE = `
console.log('ready');
for (;;) {
  const table = Array.from({ length: 300_000 }, (_, i) => ({ i, text: 'x'.repeat(i % 50) }));
  JSON.parse(JSON.stringify(table));
}
`;

export async function busyNode(): Promise<Workload> {
  const program = start(process.execPath, ['-e', NODE]);
  await program.line(/^ready/);
  return running(['node'], [program]);
}

/** A compiler that is started again whenever it is done. */
export async function busyCompiler(): Promise<Workload> {
  const source = join(temporaryFolder(), 'work.c');
  const functions = Array.from(
    { length: 4000 },
    (_, i) => `int f${i}(int *a, int n) { int s = ${i}; while (n--) s = s * 31 + a[n]; return s; }`,
  );
  writeFileSync(source, functions.join('\n'));
  const loop = 'echo ready; while :; do gcc -O2 -c "$0" -o /dev/null; done';
  const program = start('sh', ['-c', loop, source], { detached: true });
  await program.line(/^ready/);
  return running(['sh', 'gcc', 'cc1'], [program]);
}

function running(comms: readonly string[], programs: readonly RunningProgram[]): Workload {
  return {
    comms,
    pids: programs.map(({ pid }) => pid),
    async end() {
      for (const program of programs) await program.end('SIGKILL');
    },
  };
}

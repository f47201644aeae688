/** Debian's redis-server on a port and in a folder of its own, and workers that are killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { MAIN } from '../command_line.ts';

const PASSWORD = 'only-for-this-test';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Every command is on the disk before it is answered. */
export class RedisServer {
  readonly url: string;
  readonly #port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'ptshare-redis-'));
  #child: ChildProcess;

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.#untilReady();
    return server;
  }

  private constructor(port: number) {
    this.#port = port;
    this.url = `redis://:${PASSWORD}@127.0.0.1:${port}`;
    this.#child = this.#spawn();
  }

  #spawn(): ChildProcess {
    const options = { dir: this.#folder, port: this.#port, bind: '127.0.0.1', save: '' };
    const durable = { requirepass: PASSWORD, appendonly: 'yes', appendfsync: 'always' };
    const args = Object.entries({ ...options, ...durable }).flatMap(([name, value]) => [
      `--${name}`,
      String(value),
    ]);
    return spawn('redis-server', args, { stdio: 'ignore' });
  }

  async #untilReady(): Promise<void> {
    const redis = this.client();
    try {
      while ((await redis.ping()) !== 'PONG');
    } finally {
      redis.disconnect();
    }
  }

  client(): Redis {
    const redis = new Redis(this.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
    redis.on('error', () => {});
    return redis;
  }

  async killAndRestart(): Promise<void> {
    await kill(this.#child);
    this.#child = this.#spawn();
    await this.#untilReady();
  }

  async end(): Promise<void> {
    await kill(this.#child);
    rmSync(this.#folder, { recursive: true });
  }
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

export function startWorker(url: string): ChildProcess {
  const args = [MAIN, 'worker', '--threads', '1', '--lease', '2'];
  const env = { PATH: process.env.PATH, PTSHARE_QUEUE: url };
  return spawn(process.execPath, args, { env, stdio: 'ignore' });
}

export interface Run {
  readonly child: ChildProcess;
  readonly outcome: Promise<{
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

/** Like `ptshare()`, while the test goes on. */
export function startPtshare(args: readonly string[]): Run {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH: process.env.PATH } });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  const outcome = once(child, 'close').then(([status]) => ({
    status: status as number | null,
    ...said,
  }));
  return { child, outcome };
}

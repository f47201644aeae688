/** Debian's redis-server on a port and in a folder of its own, and workers that are killed. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { MAIN } from '../command_line.ts';
import { freePort } from '../free_port.ts';

const PASSWORD = 'only-for-this-test';

/** A certificate for 127.0.0.1 that signs itself: who trusts this file trusts the server. */
function makeCertificate(folder: string): string {
  const certificate = join(folder, 'server.crt');
  const keys = ['-newkey', 'rsa:2048', '-noenc', '-keyout', join(folder, 'server.key')];
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const args = ['req', '-x509', '-days', '2', ...keys, ...name, '-out', certificate];
  execFileSync('openssl', args, { stdio: 'pipe' });
  return certificate;
}

/** Every command is on the disk before it is answered. */
export class RedisServer {
  readonly url: string;
  /** Whom clients have to trust, if the server speaks TLS. */
  readonly certificate: string | undefined;
  readonly #port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'ptshare-redis-'));
  #child: ChildProcess;

  static async start(transport: 'plain' | 'tls' = 'plain'): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), transport === 'tls');
    await server.#untilReady();
    return server;
  }

  private constructor(port: number, isTls: boolean) {
    this.#port = port;
    this.certificate = isTls ? makeCertificate(this.#folder) : undefined;
    this.url = `${isTls ? 'rediss' : 'redis'}://:${PASSWORD}@127.0.0.1:${port}`;
    this.#child = this.#spawn();
  }

  #spawn(): ChildProcess {
    const options = { dir: this.#folder, bind: '127.0.0.1', save: '', requirepass: PASSWORD };
    const durable = { appendonly: 'yes', appendfsync: 'always' };
    const args = Object.entries({ ...options, ...durable, ...this.#transport() }).flatMap(
      ([name, value]) => [`--${name}`, String(value)],
    );
    return spawn('redis-server', args, { stdio: 'ignore' });
  }

  #transport(): Record<string, string | number> {
    if (this.certificate === undefined) return { port: this.#port };
    return {
      port: 0,
      'tls-port': this.#port,
      'tls-cert-file': this.certificate,
      'tls-key-file': join(this.#folder, 'server.key'),
      'tls-ca-cert-file': this.certificate,
      'tls-auth-clients': 'no',
    };
  }

  async #untilReady(): Promise<void> {
    const redis = this.client();
    const ended = once(this.#child, 'exit').then(([status]) => {
      assert.fail(`redis-server has ended with ${status}`);
    });
    try {
      await Promise.race([redis.ping(), ended]);
    } finally {
      redis.disconnect();
    }
  }

  client(): Redis {
    const tls = this.certificate && { tls: { ca: readFileSync(this.certificate) } };
    const patient = { maxRetriesPerRequest: null, retryStrategy: () => 50 };
    const redis = new Redis(this.url, { ...patient, ...tls });
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

/** @param certificate of a server that speaks TLS */
export function startWorker(url: string, certificate?: string): ChildProcess {
  const args = [MAIN, 'worker', '--threads', '1', '--lease', '2'];
  const env = { PATH: process.env.PATH, PTSHARE_QUEUE: url, NODE_EXTRA_CA_CERTS: certificate };
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

/**
 * Like `ptshare()`, while the test goes on.
 *
 * @param within a command that runs another one in its own process, with its options
 */
export function startPtshare(args: readonly string[], within: readonly string[] = []): Run {
  const [program, ...rest] = [...within, process.execPath, MAIN, ...args];
  const child = spawn(program!, rest, { env: { PATH: process.env.PATH } });
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

/** A PostgreSQL server of its own for a test: in a temporary folder, reached by a socket in it. */
import { execFileSync, type SpawnOptions } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './at_end.ts';
import { postgresPrograms } from './judge.ts';
import { type RunningProgram, start } from './programs.ts';

export class PostgresServer {
  /** Its working folder, which it may read and write. */
  readonly folder: string;
  readonly #data: string;
  /** The server refuses to run as root. */
  readonly #user: { readonly uid: number; readonly gid: number };
  #running: RunningProgram | undefined;

  constructor() {
    this.folder = temporaryFolder();
    this.#data = join(this.folder, 'data');
    this.#user = accountOf('postgres') ?? accountOf('nobody')!;
    mkdirSync(this.#data, { mode: 0o700 });
    chownSync(this.folder, this.#user.uid, this.#user.gid);
    chownSync(this.#data, this.#user.uid, this.#user.gid);
    const options = ['-D', this.#data, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
    this.#run('initdb', options);
  }

  get pid(): number {
    return this.#running!.pid;
  }

  /** Starts the server with these settings, e.g. `{ shared_buffers: '1GB' }`. */
  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const all = {
      listen_addresses: '',
      unix_socket_directories: this.folder,
      fsync: 'off',
      autovacuum: 'off',
      ...settings,
    };
    const argv = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#running = start(programPath('postgres'), ['-D', this.#data, ...argv], {
      ...this.#options,
      // Killed harder, it would leave its shared memory behind.
      killSignal: 'SIGQUIT',
    });
    await this.#running.line(/database system is ready to accept connections/);
  }

  /** Disconnects everyone and ends. */
  async stop(): Promise<void> {
    await this.#running?.end('SIGINT');
    this.#running = undefined;
  }

  /** Runs SQL; returns what it prints, unaligned and without headers. */
  query(sql: string): string {
    return this.#run('psql', ['-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-c', sql]).trim();
  }

  /** Starts pgbench against the server. */
  startBench(...argv: readonly string[]): RunningProgram {
    return start(programPath('pgbench'), argv, this.#options);
  }

  /** Runs pgbench to its end. */
  bench(...argv: readonly string[]): void {
    this.#run('pgbench', argv);
  }

  get #options(): SpawnOptions {
    const env = { ...process.env, PGHOST: this.folder, PGUSER: 'test', PGDATABASE: 'postgres' };
    return { ...this.#user, cwd: this.folder, env };
  }

  #run(program: string, argv: readonly string[]): string {
    const options = { ...this.#options, encoding: 'utf8', stdio: 'pipe' } as const;
    return execFileSync(programPath(program), argv, options);
  }
}

/** The programs themselves: what Debian has in the path are scripts around them. */
function programPath(name: string): string {
  return join(postgresPrograms()!, name);
}

/** @source man 5 passwd */
function accountOf(name: string): { uid: number; gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${name}:`));
  if (line === undefined) return undefined;
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

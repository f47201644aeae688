/**
 * A web server for one user of this machine.
 *
 * It listens on the loopback interface, everything is below a path that cannot be guessed, and a
 * request must be addressed to the loopback interface by name: a page elsewhere whose name was
 * rebound to 127.0.0.1 is refused. Files of the bundle are listed once; nothing else can be named.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createReadStream, readdirSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { ExitCode, Failure } from '../failure.ts';

export interface Served {
  readonly path: string;
  readonly name: string;
  readonly size: number;
}

export interface Live {
  readonly seconds: number;
  /** Reports as JSON, one after the other, until `signal` aborts. */
  reports(seconds: number, signal: AbortSignal): AsyncIterable<string>;
}

export interface ServerOptions {
  /** Folder of the bundle. */
  readonly root: string;
  readonly port: number;
  readonly file: Served | undefined;
  readonly live: Live | undefined;
}

export interface ViewServer {
  readonly url: string;
  close(): Promise<void>;
}

const TOKEN_BYTES = 24;
const LOOPBACK = '127.0.0.1';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
    "font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};

/** @throws Failure if the port cannot be had */
export async function startServer(options: ServerOptions): Promise<ViewServer> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const site = new Site(options, token);
  const server = createServer((request, response) => site.answer(request, response));
  const port = await listen(server, options.port);
  site.port = port;
  return {
    url: `http://${LOOPBACK}:${port}/${token}/`,
    close: () =>
      new Promise((resolve) => {
        site.end();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isKnown = error.code === 'EADDRINUSE' || error.code === 'EACCES';
      reject(
        isKnown
          ? new Failure(
              ExitCode.CANNOT_RUN,
              `Cannot listen on port ${port}: ${error.code === 'EACCES' ? 'permission denied' : 'it is in use'}`,
              'Choose another one, or leave --port out',
            )
          : error,
      );
    });
    server.listen(port, LOOPBACK, () => resolve((server.address() as AddressInfo).port));
  });
}

class Site {
  port = 0;
  readonly #options: ServerOptions;
  readonly #token: Buffer;
  readonly #files: ReadonlyMap<string, string>;
  readonly #ending = new AbortController();

  constructor(options: ServerOptions, token: string) {
    this.#options = options;
    this.#token = Buffer.from(token);
    const names = readdirSync(options.root, { recursive: true, encoding: 'utf8' });
    this.#files = new Map(
      names
        .filter((name) => TYPES[extname(name)] !== undefined)
        .map((name) => [name, join(options.root, name)]),
    );
  }

  end(): void {
    this.#ending.abort();
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const name = this.#isOurs(request) ? this.#nameIn(request.url ?? '/') : undefined;
    const { file, live } = this.#options;
    if (name === undefined) refuse(response, 403, 'Use the address that ptshare view has printed');
    else if (request.method !== 'GET') refuse(response, 405, 'Only GET is answered');
    else if (name === 'session.json') this.#sendSession(response);
    else if (name === 'file' && file !== undefined)
      send(response, file.path, 'application/octet-stream');
    else if (name === 'live' && live !== undefined) void this.#sendLive(response, live);
    else this.#sendBundle(response, name === '' ? 'index.html' : name);
  }

  /** Whether a request is addressed to us, and comes from a page of ours or from none. */
  #isOurs({ headers }: IncomingMessage): boolean {
    const hosts = [`${LOOPBACK}:${this.port}`, `localhost:${this.port}`];
    const origins = hosts.map((host) => `http://${host}`);
    const { host, origin } = headers;
    return hosts.includes(host ?? '') && (origin === undefined || origins.includes(origin));
  }

  /** What a path names behind the token; nothing if the token is another one. */
  #nameIn(url: string): string | undefined {
    const [, token = '', name] = /^\/([^/?]*)\/([^?]*)/.exec(url) ?? [];
    const given = Buffer.from(token);
    const isRight = given.length === this.#token.length && timingSafeEqual(given, this.#token);
    return isRight ? name : undefined;
  }

  #sendSession(response: ServerResponse): void {
    const { file, live } = this.#options;
    response.setHeader('Content-Type', 'application/json');
    response.end(
      JSON.stringify({
        file: file === undefined ? null : { name: file.name, size: file.size },
        liveSeconds: live?.seconds ?? null,
      }),
    );
  }

  #sendBundle(response: ServerResponse, name: string): void {
    const path = this.#files.get(name);
    if (path === undefined) refuse(response, 404, 'There is no such file');
    else send(response, path, TYPES[extname(name)]!);
  }

  /** Server-sent events: a report each, or what kept it from being made. */
  async #sendLive(response: ServerResponse, { seconds, reports }: Live): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    response.setHeader('Content-Type', 'text/event-stream');
    response.flushHeaders();
    try {
      const signal = AbortSignal.any([gone.signal, this.#ending.signal]);
      for await (const report of reports(seconds, signal)) response.write(`data: ${report}\n\n`);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      response.write(`event: failure\ndata: ${JSON.stringify(message)}\n\n`);
    }
    response.end();
  }
}

function send(response: ServerResponse, path: string, type: string): void {
  response.setHeader('Content-Type', type);
  const stream = createReadStream(path);
  stream.on('error', () => {
    if (response.headersSent) response.destroy();
    else refuse(response, 404, 'The file cannot be read any longer');
  });
  stream.pipe(response);
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(`${reason}\n`);
}

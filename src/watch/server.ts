/** Serves metrics over HTTP, to this machine only, and if there is a token to those who have it. */
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { CONTENT_TYPE } from './metrics.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

const CONNECTIONS_MAX = 16;
const TIMEOUT_MS = 5000;
/** How this machine calls itself, with a port. */
const OWN_NAME = /^(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d{1,5})?$/i;

export interface MetricsOptions {
  /** The metrics; undefined before the first look. */
  readonly text: () => Promise<string> | undefined;
  /** What a request must carry as a bearer token. */
  readonly token?: string | undefined;
}

/** @returns the server, when it listens */
export function serveMetrics({ host, port }: Address, options: MetricsOptions): Promise<Server> {
  const server = createServer({ requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS });
  server.maxConnections = CONNECTIONS_MAX;
  server.keepAliveTimeout = TIMEOUT_MS;
  server.on('request', (request, response) => {
    request.resume();
    answer(request, response, options).catch((error: unknown) => response.destroy(error as Error));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { text, token }: MetricsOptions,
): Promise<void> {
  const { method, url, headers } = request;
  const end = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
    response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' });
    response.end(method === 'HEAD' ? undefined : body);
  };
  // A page of another site may have made a name of its own lead here: it asks by that name.
  if (headers.host !== undefined && !OWN_NAME.test(headers.host)) {
    return end(403, 'Ask for an address of this machine, such as 127.0.0.1\n');
  }
  if (token !== undefined && !isEqual(headers.authorization ?? '', `Bearer ${token}`)) {
    response.setHeader('www-authenticate', 'Bearer');
    return end(401, 'The token of --token-file is wanted: Authorization: Bearer TOKEN\n');
  }
  if (method !== 'GET' && method !== 'HEAD') return end(405, 'Only GET is possible\n');
  if (url === '/') return end(200, 'ptshare watch: the metrics are at /metrics\n');
  if (url?.split('?', 1)[0] !== '/metrics') return end(404, 'The metrics are at /metrics\n');
  const metrics = text();
  if (metrics === undefined) return end(503, 'The first sample is not taken yet\n');
  end(200, await metrics, CONTENT_TYPE);
}

/** In a time that does not tell where two texts of the same length differ. */
function isEqual(given: string, wanted: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}

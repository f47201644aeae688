/** Serves metrics over HTTP, to this machine only. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { CONTENT_TYPE } from './metrics.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

const CONNECTIONS_MAX = 16;
const TIMEOUT_MS = 5000;

/**
 * @param text the metrics; undefined before the first look
 * @returns the server, when it listens
 */
export function serveMetrics(
  { host, port }: Address,
  text: () => Promise<string> | undefined,
): Promise<Server> {
  const server = createServer({ requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS });
  server.maxConnections = CONNECTIONS_MAX;
  server.keepAliveTimeout = TIMEOUT_MS;
  server.on('request', (request, response) => {
    request.resume();
    answer(request, response, text).catch((error: unknown) => response.destroy(error as Error));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

async function answer(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  text: () => Promise<string> | undefined,
): Promise<void> {
  const end = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
    response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' });
    response.end(method === 'HEAD' ? undefined : body);
  };
  if (method !== 'GET' && method !== 'HEAD') return end(405, 'Only GET is possible\n');
  if (url === '/') return end(200, 'ptshare watch: the metrics are at /metrics\n');
  if (url?.split('?', 1)[0] !== '/metrics') return end(404, 'The metrics are at /metrics\n');
  const metrics = text();
  if (metrics === undefined) return end(503, 'The first sample is not taken yet\n');
  end(200, await metrics, CONTENT_TYPE);
}

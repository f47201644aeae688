/** Who is answered: whoever asks this machine by its own name and has the token, if there is one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type MetricsOptions, serveMetrics } from './server.ts';

const TOKEN = 'of-sixteen-characters-or-more';

async function serve(context: TestContext, options: MetricsOptions): Promise<Server> {
  const server = await serveMetrics({ host: '127.0.0.1', port: 0 }, options);
  context.after(() => server.close());
  return server;
}

/** The status of the answer to a request that may say anything. */
async function statusOf(
  server: Server,
  headers: Readonly<Record<string, string>> = {},
): Promise<number | undefined> {
  const { port } = server.address() as AddressInfo;
  const asked = request({ host: '127.0.0.1', port, path: '/metrics', headers, agent: false });
  const [response] = (await once(asked.end(), 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

test('without a token whoever asks this machine is answered, as soon as there is something', async (context) => {
  const server = await serve(context, { text: () => Promise.resolve('metrics 1\n') });
  assert.equal(await statusOf(server), 200);
  const empty = await serve(context, { text: () => undefined });
  assert.equal(await statusOf(empty), 503);
});

test('who asks for another machine is refused: a name of a site may lead here', async (context) => {
  const server = await serve(context, { text: () => Promise.resolve('metrics 1\n') });
  for (const host of ['localhost', 'localhost:9469', '127.0.0.1:9469', '127.1.2.3', '[::1]:9469']) {
    assert.equal(await statusOf(server, { host }), 200, host);
  }
  for (const host of [
    'example.org',
    '127.0.0.1.example.org:9469',
    'localhost.example.org',
    '::1',
  ]) {
    assert.equal(await statusOf(server, { host }), 403, host);
  }
});

test('with a token only who sends it is answered', async (context) => {
  const server = await serve(context, { text: () => Promise.resolve('metrics 1\n'), token: TOKEN });
  assert.equal(await statusOf(server, { authorization: `Bearer ${TOKEN}` }), 200);
  for (const authorization of [
    '',
    TOKEN,
    'Bearer ',
    `Bearer ${TOKEN} `.repeat(2),
    `Basic ${TOKEN}`,
  ]) {
    assert.equal(await statusOf(server, { authorization }), 401, authorization);
  }
  assert.equal(await statusOf(server, { authorization: `Bearer ${TOKEN.replace('o', 'O')}` }), 401);
  assert.equal(await statusOf(server), 401);
});

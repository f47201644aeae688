/** A cluster that meets at a server with TLS and a password, as its owner would set it up. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { CheckReport } from '../../src/cli/check/report.ts';
import { isInstalled, type Outcome, ptshare } from '../command_line.ts';
import { kill, RedisServer, startWorker } from './redis_server.ts';

const JUDGES = ['redis-server', 'openssl'];
const missing = process.env.CI ? [] : JUDGES.filter((judge) => !isInstalled(judge));
const skip = missing.length > 0 && `${missing.join(', ')} not installed`;

let server: RedisServer;
if (skip === false) {
  before(async () => {
    server = await RedisServer.start('tls');
  });
  after(() => server.end());
}

function check(args: readonly string[], certificate?: string): Outcome {
  const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: certificate };
  return ptshare(['check', 'M1', '--off', '--json', ...args], { env });
}

test('a search over TLS comes to what one process comes to', { skip }, async () => {
  const worker = startWorker(server.url, server.certificate);
  try {
    const { status, stdout, stderr } = check(['--queue', server.url], server.certificate);
    assert.equal(status, 0, stderr);
    const executionsOf = (text: string): number | undefined =>
      (JSON.parse(text) as CheckReport).entries[0]!.off?.executions;
    assert.equal(executionsOf(stdout), executionsOf(check(['--workers', '1']).stdout));
  } finally {
    await kill(worker);
  }
});

test('a certificate that nobody vouches for is refused, and so is a password', { skip }, () => {
  const stranger = check(['--queue', server.url]);
  assert.equal(stranger.status, 3);
  assert.match(stranger.stderr, /Cannot reach the queue: self-signed certificate/);
  const guess = server.url.replace(/:[^:@]+@/, ':guess@');
  const refused = check(['--queue', guess], server.certificate);
  assert.equal(refused.status, 3);
  assert.match(refused.stderr, /Cannot reach the queue: WRONGPASS/);
});

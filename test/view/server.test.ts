/** The server of the viewer against who should not be served. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { ptshare } from '../command_line.ts';
import { end, serve } from './browser.ts';

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

function ask(url: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') {
  return new Promise<Answer>((resolve, reject) => {
    const sent = request(url, { headers, method }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body }),
      );
    });
    sent.on('error', reject).end();
  });
}

test('only who has the address, and asks this machine by name, is served', async () => {
  const { child, url } = await serve(['README.md']);
  try {
    const { host, origin } = new URL(url);
    assert.equal(new URL(url).hostname, '127.0.0.1');
    assert.equal((await ask(url)).status, 200);
    assert.match((await ask(`${url}file`)).body, /^# ptshare/);
    assert.equal((await ask(`${origin}/`)).status, 403, 'no token');
    assert.equal((await ask(`${origin}/${'A'.repeat(32)}/file`)).status, 403, 'another token');
    assert.equal((await ask(url, { Host: 'example.org' })).status, 403, 'rebound name');
    assert.equal((await ask(url, { Host: host, Origin: 'http://example.org' })).status, 403);
    assert.equal((await ask(url, {}, 'POST')).status, 405);
    for (const path of ['..%2fpackage.json', 'assets', 'nothing']) {
      assert.equal((await ask(url + path)).status, 404, path);
    }
    const { headers } = await ask(url);
    assert.match(
      String(headers['content-security-policy']),
      /default-src 'none'; script-src 'self'/,
    );
    assert.doesNotMatch(String(headers['content-security-policy']), /unsafe/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
  } finally {
    await end(child);
  }
  assert.equal(child.signalCode ?? child.exitCode, 0, 'Ctrl-C is a fine end');
});

test('what cannot be viewed is refused with what to do', () => {
  const missing = ptshare(['view', 'no-such-file']);
  assert.equal(missing.status, 2);
  assert.match(missing.stderr, /Cannot view no-such-file: no such file/);
  assert.equal(ptshare(['view', 'src']).status, 2);
  assert.equal(ptshare(['view', '--port', '70000']).status, 2);
});

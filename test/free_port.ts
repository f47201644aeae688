import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/**
 * A port of 127.0.0.1 for another program, of those that the kernel gives to nobody by itself: a client
 * that connects again and again while its server is away would sooner or later be given the server's
 * port for its own end, and the server could not come back.
 */
export async function freePort(): Promise<number> {
  const ephemeral = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
  for (;;) {
    const port = randomInt(1024, Number.parseInt(ephemeral, 10));
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Test files run side by side; those that count tables of the whole host take turns. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** An abstract socket: free again as soon as its process ends, however it ends. */
const ADDRESS = '\0ptshare-live-test';
const AGAIN_MS = 200;

let turn: Server | undefined;

/** Waits for the other live test files of this machine; the turn ends with this process. */
export async function alone(): Promise<void> {
  while (turn === undefined) {
    turn = await tryListen();
    if (turn === undefined) await sleep(AGAIN_MS);
  }
  turn.unref();
}

async function tryListen(): Promise<Server | undefined> {
  const server = createServer();
  server.listen(ADDRESS);
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

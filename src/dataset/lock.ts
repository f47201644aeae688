/**
 * Keeps two processes from recording one host into one dataset. The kernel lets go of the lock when
 * its holder ends, however it ends: it is a name in the abstract namespace of Unix sockets.
 */
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';

/** @returns undefined if another process has it */
export async function lockFolder(path: string): Promise<Server | undefined> {
  const digest = createHash('sha256')
    .update(await realpath(path))
    .digest('hex');
  const server = createServer((socket) => socket.destroy());
  const isOurs = await new Promise<boolean>((resolve, reject) => {
    server.once('listening', () => resolve(true));
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(`\0ptshare-${digest}`);
  });
  server.unref();
  return isOurs ? server : undefined;
}

/** /proc of a session, live: what its processes are whenever somebody looks. */
import { procTree } from '../../procfs/index.ts';
import type { Session } from '../../script/index.ts';
import { mountProc } from '../fuse/mount.ts';
import { stopOnSignals } from '../signals.ts';
import { procHostOf } from './proc_host.ts';

/**
 * Mounts it at `path` while `body` runs; without one, until a signal or umount(8) ends it.
 *
 * @throws Failure if it cannot be mounted here
 */
export async function whileMounted(
  path: string,
  session: Session,
  body?: () => Promise<void>,
): Promise<void> {
  const mounted = mountProc(path, procTree(procHostOf(session)));
  const goOn = stopOnSignals(() => void mounted.unmount());
  try {
    if (body === undefined) {
      process.stderr.write(`Mounted at ${path}; Ctrl-C ends\n`);
      await mounted.ended;
    } else await Promise.race([body(), mounted.ended]);
  } finally {
    await mounted.unmount();
    await mounted.ended;
  }
  // What was asked for with Ctrl-C is done, unless a program was going on.
  if (body !== undefined) goOn();
}

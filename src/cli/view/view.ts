/** What `ptshare view` does: serves the viewer and a file to this machine, until it is stopped. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExitCode, Failure, fileFailure, wrongUse } from '../failure.ts';
import { stopOnSignals } from '../signals.ts';
import { liveReports } from './live.ts';
import { type Served, startServer } from './server.ts';

export interface ViewOptions {
  readonly port: number;
  readonly live?: number;
  readonly open: boolean;
  readonly json?: true;
}

/** No format of ours allows for more. */
const FILE_BYTES_MAX = 2 ** 30;

export async function view(
  file: string | undefined,
  { port, live, open, json }: ViewOptions,
): Promise<ExitCode> {
  const content = file === undefined ? undefined : await servedFile(file);
  const server = await startServer({
    root: bundle(),
    port,
    file: content,
    live: live === undefined ? undefined : { seconds: live, reports: liveReports },
  });
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ version: 1, url: server.url })}\n`
      : `${server.url}\nServed to this machine only; Ctrl-C ends it.\n`,
  );
  if (open && json !== true) openBrowser(server.url);
  await new Promise<void>((resolve) => {
    stopOnSignals(() => server.close().then(resolve));
  });
  return ExitCode.FINE;
}

/** The viewer, as the build has left it. */
function bundle(): string {
  const root = fileURLToPath(new URL('../../../view', import.meta.url));
  if (existsSync(join(root, 'index.html'))) return root;
  throw new Failure(
    ExitCode.CANNOT_RUN,
    `Cannot serve the viewer: it is not in ${root}`,
    'Build it with `npm run build`',
  );
}

async function servedFile(path: string): Promise<Served> {
  const mend = 'Name a file that host, run or check wrote; `ptshare view --help` shows how';
  try {
    const found = await stat(path);
    if (!found.isFile()) throw wrongUse(`Cannot view ${path}: it is not a regular file`, mend);
    if (found.size > FILE_BYTES_MAX) {
      throw wrongUse(`Cannot view ${path}: it is larger than anything ptshare writes`, mend);
    }
    return { path, name: basename(path), size: found.size };
  } catch (error) {
    throw error instanceof Failure ? error : fileFailure(`view ${path}`, error, mend);
  }
}

/** Only where there is a screen; who has none, copies the address. */
function openBrowser(url: string): void {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (DISPLAY === undefined && WAYLAND_DISPLAY === undefined) return;
  const child = spawn('xdg-open', [url], { stdio: 'ignore', detached: true });
  // Without xdg-open, the address that was printed is enough.
  child.on('error', () => {});
  child.unref();
}

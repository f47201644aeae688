/** Where reports come from: this host, a snapshot, or a report that was saved as JSON. */
import { readFile, stat } from 'node:fs/promises';
import { captureHost } from '../../capture/capture.ts';
import { buildHostReport } from '../../report/build_report.ts';
import { type HostReport, hostReportSchema } from '../../report/schema.ts';
import { decodeSnapshot } from '../../snapshot/decode.ts';
import { DEFAULT_LIMITS } from '../../snapshot/limits.ts';
import type { HostSnapshot } from '../../snapshot/records.ts';
import { ExitCode, Failure, fileFailure, wrongUse } from '../failure.ts';
import { withProgress } from '../progress.ts';
import type { HostOptions } from './options.ts';

const PARQUET_MAGIC = 'PAR1';
const MEND = 'Pass a file that `ptshare host --save` or `ptshare host --json` wrote';

/** The host to report on: this one, or the one of `--from`. */
export async function readHost(options: HostOptions): Promise<HostSnapshot> {
  if (options.from !== undefined) return decodeSnapshot(await readInputFile(options.from));
  if (process.platform !== 'linux') {
    throw new Failure(
      ExitCode.CANNOT_RUN,
      `Cannot read this host: page tables are read from /proc of Linux, and this is ${process.platform}`,
      'Save a snapshot on a Linux host with `ptshare host --save`, and read it with --from',
    );
  }
  const snapshot = await capture(options);
  if (snapshot.mms.length > 0) return snapshot;
  throw wrongUse(
    'Cannot report on this host: no process with page tables matches --pid, --comm or --cgroup',
    'See what runs with `ps -eo pid,comm,cgroup`; kernel threads have no page tables of their own',
  );
}

function capture({ pid, comm, cgroup, budget }: HostOptions): Promise<HostSnapshot> {
  return withProgress('Reading page tables', (say) =>
    captureHost({
      ...(pid !== undefined && { pids: pid }),
      ...(comm !== undefined && { comm }),
      ...(cgroup !== undefined && { cgroup }),
      ...(budget !== undefined && { budgetSeconds: budget }),
      onProgress: (done, total, label) => say(`${done} of ${total}, ${label}`),
    }),
  );
}

/** The report of `--compare`: of a snapshot, or as it was printed with `--json`. */
export async function readReport(path: string): Promise<HostReport> {
  const content = await readInputFile(path);
  const magic = new TextDecoder('latin1').decode(content.subarray(0, PARQUET_MAGIC.length));
  if (magic === PARQUET_MAGIC) return buildHostReport(decodeSnapshot(content));
  return parseReport(path, content);
}

function parseReport(path: string, content: Uint8Array): HostReport {
  let data: unknown;
  try {
    data = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch {
    throw wrongUse(`Cannot read ${path}: it is neither a snapshot nor JSON`, MEND);
  }
  const parsed = hostReportSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const place = issue === undefined || issue.path.length === 0 ? 'the whole' : issue.path.join('.');
  throw wrongUse(`Cannot read ${path}: no report of a host: ${place}: ${issue?.message}`, MEND);
}

async function readInputFile(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > DEFAULT_LIMITS.fileBytes) {
      throw wrongUse(`Cannot read ${path}: it is larger than any snapshot may be`, MEND);
    }
    return await readFile(path);
  } catch (error) {
    throw error instanceof Failure ? error : fileFailure(`read ${path}`, error, MEND);
  }
}

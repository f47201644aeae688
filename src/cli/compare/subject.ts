/** What is compared: a workload that comes with ptshare, or a file. */
import { readFile, stat } from 'node:fs/promises';
import { decodeSnapshot } from '../../snapshot/decode.ts';
import { DEFAULT_LIMITS } from '../../snapshot/limits.ts';
import type { HostSnapshot } from '../../snapshot/records.ts';
import { WORKLOADS, type Workload } from '../../workload/index.ts';
import { Failure, fileFailure, wrongUse } from '../failure.ts';

export type Subject =
  | { readonly kind: 'workload'; readonly workload: Workload }
  | { readonly kind: 'script'; readonly name: string; readonly text: string };

const PARQUET_MAGIC = 'PAR1';
const SCRIPT_BYTES_MAX = 2 ** 22;
const PAGE_BYTES = 4096;
const MEND =
  'Name a workload, a snapshot that `ptshare host --save` wrote, or a script of `ptshare run`';

/** @throws Failure if it is none */
export async function subjectOf(name: string | undefined): Promise<Subject> {
  const ids = WORKLOADS.map((workload) => workload.id).join(', ');
  if (name === undefined) throw wrongUse('Which workload?', `Name one of: ${ids}; or a file`);
  const workload = WORKLOADS.find((candidate) => candidate.id === name);
  if (workload !== undefined) return { kind: 'workload', workload };
  const content = await readSubject(name, ids);
  const magic = content.toString('latin1', 0, PARQUET_MAGIC.length);
  if (magic === PARQUET_MAGIC) {
    return { kind: 'workload', workload: workloadOfHost(name, decodeSnapshot(content)) };
  }
  if (content.length > SCRIPT_BYTES_MAX) throw wrongUse(`${name} is too long for a script`, MEND);
  return { kind: 'script', name, text: content.toString('utf8') };
}

async function readSubject(name: string, ids: string): Promise<Buffer> {
  try {
    const { size } = await stat(name);
    if (size > DEFAULT_LIMITS.fileBytes)
      throw wrongUse(`${name} is too large for a snapshot`, MEND);
    return await readFile(name);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const isPath = /[/.]/.test(name);
    if (isPath) throw fileFailure(`read ${name}`, error, MEND);
    throw wrongUse(`Unknown workload: ${name}`, `Use one of: ${ids}; or name a file`);
  }
}

/** A captured host, whose size is what it is. */
function workloadOfHost(name: string, snapshot: HostSnapshot): Workload {
  let pages = 0;
  for (const { runs } of snapshot.mms) for (const count of runs.pages) pages += count;
  return {
    id: 'snapshot',
    title: `The host ${snapshot.host.hostname}`,
    story: `As ${name} has it, captured at ${snapshot.takenAt}.`,
    processesAre: 'processes',
    bytesAre: 'pages that they have',
    usual: { processes: snapshot.mms.length, bytes: pages * PAGE_BYTES },
    bytesMax: Number.POSITIVE_INFINITY,
    host: () => snapshot,
  };
}

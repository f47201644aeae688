/** What is compared: a workload that comes with ptshare, or files. */
import { open, readFile, stat } from 'node:fs/promises';
import { decodeSnapshot } from '../../snapshot/decode.ts';
import { DEFAULT_LIMITS } from '../../snapshot/limits.ts';
import type { HostSnapshot } from '../../snapshot/records.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { NAMED, postCopyGuest, WORKLOADS, type Workload } from '../../workload/index.ts';
import { fileFailure, wrongUse } from '../failure.ts';

export type Subject =
  | { readonly kind: 'workload'; readonly workload: Workload }
  | { readonly kind: 'post-copy' }
  | { readonly kind: 'script'; readonly name: string; readonly text: string }
  | { readonly kind: 'accesses'; readonly files: readonly string[] };

const PARQUET_MAGIC = 'PAR1';
/** How traces of memory accesses begin: as lackey writes them, or compressed by gzip or zstd. */
const ACCESSES = /^(?:==\d+==|I {2}[0-9a-f]| [LSM] [0-9a-f])/;
const COMPRESSED = ['1f8b', '28b52ffd'] as const;
const HEAD_BYTES = 16;
const SCRIPT_BYTES_MAX = 2 ** 22;
const MEND =
  'Name a workload, a snapshot of `ptshare host --save`, a script of `ptshare run`, or traces of lackey';

/** @throws Failure if it is none */
export async function subjectOf(names: readonly string[]): Promise<Subject> {
  const [name] = names;
  const ids = NAMED.map(({ id }) => id).join(', ');
  if (name === undefined) throw wrongUse('Which workload?', `Name one of: ${ids}; or a file`);
  const workload = WORKLOADS.find((candidate) => candidate.id === name);
  const isNamed = NAMED.some(({ id }) => id === name);
  const head = isNamed ? '' : await readHead(name, ids);
  if (isTrace(head)) return { kind: 'accesses', files: names };
  if (names.length > 1) {
    throw wrongUse(`Only traces are compared together, and ${name} is none`, 'Name one thing');
  }
  if (name === postCopyGuest.id) return { kind: 'post-copy' };
  if (workload !== undefined) return { kind: 'workload', workload };
  return head.startsWith(PARQUET_MAGIC) ? await readHost(name) : await readScript(name);
}

async function readHead(name: string, ids: string): Promise<string> {
  try {
    const file = await open(name);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (/[/.]/.test(name)) throw fileFailure(`read ${name}`, error, MEND);
    throw wrongUse(`Unknown workload: ${name}`, `Use one of: ${ids}; or name a file`);
  }
}

function isTrace(head: string): boolean {
  const bytes = Buffer.from(head, 'latin1').toString('hex');
  return ACCESSES.test(head) || COMPRESSED.some((magic) => bytes.startsWith(magic));
}

async function readScript(name: string): Promise<Subject> {
  const content = await readAtMost(name, SCRIPT_BYTES_MAX);
  return { kind: 'script', name, text: content.toString('utf8') };
}

async function readHost(name: string): Promise<Subject> {
  const snapshot = decodeSnapshot(await readAtMost(name, DEFAULT_LIMITS.fileBytes));
  return { kind: 'workload', workload: workloadOfHost(name, snapshot) };
}

async function readAtMost(name: string, bytesMax: number): Promise<Buffer> {
  const { size } = await stat(name);
  if (size > bytesMax) throw wrongUse(`${name} is too large for what it is`, MEND);
  return await readFile(name);
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

/** What `ptshare compare` does: makes the host of a workload, and puts the designs side by side. */
import { type EngineCost, type Engines, measureWorkload } from '../../cost/index.ts';
import { renderAccessComparisonHtml } from '../../report/accesses/html.ts';
import { renderAccessComparison } from '../../report/accesses/text.ts';
import { compareDesigns, DESIGN_IDS } from '../../report/designs/build.ts';
import { renderDesignComparisonHtml } from '../../report/designs/html.ts';
import { renderDesignComparison } from '../../report/designs/text.ts';
import { renderPostCopyHtml } from '../../report/post_copy/html.ts';
import { renderPostCopy } from '../../report/post_copy/text.ts';
import { encodeSnapshot } from '../../snapshot/encode.ts';
import { NAMED, type Workload, type WorkloadSize } from '../../workload/index.ts';
import { ExitCode, wrongUse } from '../failure.ts';
import { writeOutputFile } from '../output_file.ts';
import { withProgress } from '../progress.ts';
import { blankedDesigns, canonicalDesigns } from '../run/engine.ts';
import { compareAccesses, readAccesses } from './accesses.ts';
import { compareAfter } from './after.ts';
import { type CompareOptions, GUEST_IDS, type Sweep } from './options.ts';
import { comparePostCopy, guestOf } from './post_copy.ts';
import { measureScript } from './script.ts';
import { showComparison } from './show.ts';
import { type Subject, subjectOf } from './subject.ts';
import { sweepOver } from './sweep.ts';

export async function runCompare(
  what: readonly string[],
  options: CompareOptions,
): Promise<ExitCode> {
  if (options.list === true) return print(listWorkloads(options));
  const subject = await subjectOf(what);
  const designs = designsOf(subject, options);
  if (options.after !== undefined && subject.kind !== 'workload') {
    throw wrongUse(
      'Only to a workload or a captured host can something happen afterwards',
      'Leave out --after; in a script, write the calls there',
    );
  }
  const mm = await blankedDesigns();
  if (subject.kind === 'post-copy') {
    const guest = guestOf(options);
    const compared = await withProgress('Migrating a guest', (say) =>
      comparePostCopy(mm, guest, designs, say),
    );
    await print(await showComparison(compared, options, renderPostCopyHtml, renderPostCopy));
    return compared.engine.agrees ? ExitCode.FINE : ExitCode.FINDING;
  }
  wantNoLink(options);
  if (subject.kind === 'accesses') {
    wantNoSize(options, 'A trace');
    if (options.save !== undefined) {
      throw wrongUse('A trace is of no host that could be saved', 'Leave out --save');
    }
    const logs = await withProgress('Reading', (say) => readAccesses(subject.files, say));
    const compared = await withProgress('Running accesses', async () =>
      compareAccesses(mm, logs, options, designs),
    );
    return print(
      await showComparison(compared, options, renderAccessComparisonHtml, renderAccessComparison),
    );
  }
  const { workload, engine, size } = await withProgress('Running the engine', async () =>
    measure({ blanked: mm, canonical: await canonicalDesigns() }, subject, options, designs),
  );
  const sizes = options.sweep === undefined ? [] : sizesOf(workload, size, options.sweep);
  const sweep = await withProgress('Counting tables', (say) =>
    sweepOver(workload.id, sizes, designs, options.queue, say),
  );
  const after = await withProgress(
    'Letting things happen',
    async () => options.after && compareAfter(mm, workload, size, designs, options.after),
  );
  const comparison = compareDesigns(workload, {
    size,
    sweep,
    designs,
    engine,
    ...(after && { after }),
  });
  if (options.save !== undefined) {
    await writeOutputFile(options.save, encodeSnapshot(workload.host(size)));
  }
  await print(
    await showComparison(comparison, options, renderDesignComparisonHtml, renderDesignComparison),
  );
  const isAsSaid = engine.agrees && after?.engine?.agrees !== false;
  return isAsSaid ? ExitCode.FINE : ExitCode.FINDING;
}

/** @throws Failure if one is named that is no design for what is compared */
function designsOf({ kind }: Subject, { designs }: CompareOptions): readonly string[] {
  const known = kind === 'post-copy' ? GUEST_IDS : DESIGN_IDS;
  const unknown = designs?.find((id) => !known.includes(id));
  if (unknown === undefined) return designs ?? known;
  throw wrongUse(`${unknown} is no design for this`, `Use --designs with: ${known.join(', ')}`);
}

function wantNoLink({ link, roundTrip }: CompareOptions): void {
  if (link === undefined && roundTrip === undefined) return;
  throw wrongUse('Only a guest that is migrated has a link', 'Leave out --link and --round-trip');
}

interface Measured {
  readonly workload: Workload;
  readonly size: WorkloadSize;
  readonly engine: EngineCost;
}

function measure(
  engines: Engines,
  subject: Extract<Subject, { readonly kind: 'workload' | 'script' }>,
  options: CompareOptions,
  designs: readonly string[],
): Measured {
  if (subject.kind === 'script') {
    wantNoSize(options, 'A script');
    const measured = measureScript(engines.blanked, subject.name, subject.text, designs);
    return { ...measured, size: measured.workload.usual };
  }
  const { workload } = subject;
  if (workload.id === 'snapshot') wantNoSize(options, 'A snapshot');
  const size = sizeOf(workload, options);
  return { workload, size, engine: measureWorkload(engines, workload, size, designs) };
}

function wantNoSize({ processes, size, sweep }: CompareOptions, what: string): void {
  if (processes === undefined && size === undefined && sweep === undefined) return;
  throw wrongUse(
    `${what} is as large as it is`,
    'Leave out --processes, --size and --sweep, or name a workload',
  );
}

function sizeOf(workload: Workload, { processes, size }: CompareOptions): WorkloadSize {
  const { usual } = workload;
  return checked(workload, {
    processes: processes ?? usual.processes,
    bytes: size ?? usual.bytes,
  });
}

function sizesOf(workload: Workload, size: WorkloadSize, { of, values }: Sweep): WorkloadSize[] {
  return values.map((value) =>
    checked(
      workload,
      of === 'processes' ? { ...size, processes: value } : { ...size, bytes: value },
    ),
  );
}

function checked(workload: Workload, size: WorkloadSize): WorkloadSize {
  if (size.bytes <= workload.bytesMax) return size;
  throw wrongUse(
    `Cannot place ${size.bytes} bytes in the address space of ${workload.id}`,
    `Use a --size of at most ${workload.bytesMax / 2 ** 30}G`,
  );
}

function listWorkloads({ json }: CompareOptions): string {
  if (json === true) return `${JSON.stringify(NAMED, null, 2)}\n`;
  const width = Math.max(...NAMED.map(({ id }) => id.length));
  return NAMED.map(({ id, title }) => `${id.padEnd(width)}  ${title}\n`).join('');
}

function print(text: string): Promise<ExitCode> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => resolve(ExitCode.FINE));
  });
}

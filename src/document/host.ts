/** Hosts: reports, and the address spaces of snapshots. */
import { slotPages } from '../arch/geometry.ts';
import { buildHostReport } from '../report/build_report.ts';
import { compareReports } from '../report/compare/compare.ts';
import type { Comparison } from '../report/compare/schema.ts';
import { type HostReport, hostReportSchema } from '../report/schema.ts';
import { RUN_KINDS, type Strip, type StripMapping } from '../scene/strip.ts';
import type { HostSnapshot, MappedObject, Vma } from '../snapshot/records.ts';
import { geometryOf } from '../twin/count_tables.ts';
import { PROT } from '../uapi/mman.ts';
import { DocumentError } from './document_error.ts';
import { RepeatedTables } from './repeated.ts';

export class HostDocument {
  readonly report: HostReport;
  readonly #snapshot: HostSnapshot | undefined;
  #repeated: RepeatedTables | undefined;

  constructor(report: HostReport, snapshot?: HostSnapshot) {
    this.report = report;
    this.#snapshot = snapshot;
  }

  static ofSnapshot(snapshot: HostSnapshot): HostDocument {
    return new HostDocument(buildHostReport(snapshot), snapshot);
  }

  /** @throws DocumentError if `data` is no report */
  static ofJson(data: unknown): HostDocument {
    const parsed = hostReportSchema.safeParse(data);
    if (parsed.success) return new HostDocument(parsed.data);
    const issue = parsed.error.issues[0];
    const place = issue?.path.join('.') ?? '';
    throw new DocumentError(
      `This report of a host is damaged at ${place === '' ? 'its top' : place}: ${issue?.message}`,
      'Write it anew with `ptshare host --json`',
    );
  }

  /** Processes whose address space can be shown. */
  get spaces(): readonly number[] {
    const seen = this.#snapshot?.mms.filter(({ visibility }) => visibility === 'tables');
    return seen?.map(({ pid }) => pid) ?? [];
  }

  compareWith(before: HostDocument): Comparison {
    return compareReports(before.report, this.report);
  }

  strip(pid: number): Strip | undefined {
    const snapshot = this.#snapshot;
    const mm = snapshot?.mms.find((each) => each.pid === pid);
    if (snapshot === undefined || mm === undefined) return undefined;
    this.#repeated ??= new RepeatedTables(snapshot.mms);
    const repeated = this.#repeated;
    const geometry = geometryOf(snapshot);
    const { runs } = mm;
    return {
      pid,
      comm: mm.comm,
      commandLine: mm.commandLine,
      pageBytes: geometry.pageBytes,
      slotPages: slotPages(geometry),
      mappings: mm.vmas.map((vma) => mappingOf(vma, snapshot.objects)),
      runs: {
        length: runs.length,
        slot: runs.slot.slice(),
        count: runs.count.slice(),
        mapping: runs.vma.slice(),
        kind: runs.kind.slice(),
        pages: runs.pages.slice(),
        repeated: Int32Array.from(runs.content, (first, run) =>
          repeated.count(first, runs.count[run]!),
        ),
      },
      kinds: RUN_KINDS,
    };
  }
}

function mappingOf(
  { start, end, protection, shared, object, label }: Vma,
  objects: readonly MappedObject[],
): StripMapping {
  const sign = (right: number, letter: string): string => (protection & right ? letter : '-');
  const rights = `${sign(PROT.READ, 'r')}${sign(PROT.WRITE, 'w')}${sign(PROT.EXEC, 'x')}`;
  const name = label || objects[object]?.name || 'anonymous';
  return { start, end, name, rights: rights + (shared ? 's' : 'p') };
}

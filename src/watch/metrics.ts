/**
 * The last look at the host as Prometheus metrics. Names of groups and objects are label values, so
 * there are at most so many of each; the rest is added up under the name `[other]`.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { OTHER } from '../fleet/sample.ts';
import { designById, IDENTICAL, TODAY } from '../report/headline.ts';
import { printable } from '../report/printable.ts';
import type { HostReport } from '../report/schema.ts';
import { type Cost, type Look, ownCost } from './watch.ts';

/** Characters of a label value; names of files are longer, but not in a dashboard. */
const LABEL_LENGTH_MAX = 128;

export const CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

export class Metrics {
  readonly #registry = new Registry();
  readonly #gauges: ReturnType<typeof gaugesOf>;
  readonly #samples: Counter;
  readonly #cpu: Counter;
  readonly #top: number;
  readonly #thresholds: readonly string[];
  #cpuSeconds = 0;

  /**
   * @param top groups, and objects, that are named
   * @param thresholds as they were written
   */
  constructor(version: string, top: number, thresholds: readonly string[]) {
    const registers = [this.#registry];
    this.#top = top;
    this.#thresholds = thresholds;
    this.#gauges = gaugesOf(registers);
    this.#samples = new Counter({
      name: 'ptshare_watch_samples_total',
      help: 'Samples taken since the exporter started.',
      registers,
    });
    this.#cpu = new Counter({
      name: 'ptshare_watch_cpu_seconds_total',
      help: 'CPU time of the exporter itself, user and system.',
      registers,
    });
    this.#gauges.build.set({ version }, 1);
  }

  /** The exposition format. Own cost is of this moment, all else of the last look. */
  text(): Promise<string> {
    this.#setOwnCost(ownCost());
    return this.#registry.metrics();
  }

  update({ report, raised, cost }: Look): void {
    const g = this.#gauges;
    const { pageTables, memory, exactness } = report;
    g.memory.set(memory.totalBytes);
    g.tables.set(pageTables.reportedBytes);
    g.parts.set({ part: 'explained' }, pageTables.explainedBytes);
    g.parts.set({ part: 'kernel' }, pageTables.kernelBytes);
    g.parts.set({ part: 'status_only' }, pageTables.statusOnlyBytes);
    g.parts.set({ part: 'unexplained' }, pageTables.unexplainedBytes);
    g.duplicates.set(Math.max(designById(report, IDENTICAL)?.savesBytes ?? 0, 0));
    g.addressSpaces.set(exactness.processes);
    g.exact.set(exactness.exact);
    g.unread.set(exactness.statusOnly + exactness.skipped);
    g.wholeHost.set(exactness.wholeHost ? 1 : 0);
    this.#setDesigns(report);
    this.#setGroups(report);
    this.#setObjects(report);
    for (const threshold of this.#thresholds) {
      g.exceeded.set({ threshold }, raised.includes(threshold) ? 1 : 0);
    }
    g.sampleTime.set(Date.parse(report.takenAt) / 1000);
    g.sampleDuration.set(cost.sampleSeconds);
    this.#samples.inc();
  }

  #setDesigns({ designs }: HostReport): void {
    const { saves, takes } = this.#gauges;
    saves.reset();
    for (const { id, bound, savesBytes, bytes } of designs) {
      takes.set({ design: id }, bytes);
      if (id !== TODAY) saves.set({ design: id, bound }, savesBytes);
    }
  }

  #setGroups({ groups }: HostReport): void {
    const { groupTables, groupDuplicates, groupProcesses } = this.#gauges;
    for (const gauge of [groupTables, groupDuplicates, groupProcesses]) gauge.reset();
    const named = groups.toSorted((a, b) => b.vmPteBytes - a.vmPteBytes);
    for (const [i, { name, processes, vmPteBytes, duplicateBytes }] of named.entries()) {
      const labels = { group: i < this.#top ? labelOf(name) : OTHER };
      groupTables.inc(labels, vmPteBytes);
      groupDuplicates.inc(labels, duplicateBytes);
      groupProcesses.inc(labels, processes);
    }
  }

  #setObjects({ objects }: HostReport): void {
    const { objectTables, objectDuplicates, objectMappers } = this.#gauges;
    for (const gauge of [objectTables, objectDuplicates, objectMappers]) gauge.reset();
    const named = objects.toSorted((a, b) => b.tableBytes - a.tableBytes);
    for (const [i, { name, kind, mappers, tableBytes, duplicateBytes }] of named.entries()) {
      const isNamed = i < this.#top;
      const labels = { object: isNamed ? labelOf(name) : OTHER, kind: isNamed ? kind : OTHER };
      objectTables.inc(labels, tableBytes);
      objectDuplicates.inc(labels, duplicateBytes);
      objectMappers.inc(labels, mappers);
    }
  }

  #setOwnCost({ cpuSeconds, residentBytes }: Pick<Cost, 'cpuSeconds' | 'residentBytes'>): void {
    this.#cpu.inc(Math.max(cpuSeconds - this.#cpuSeconds, 0));
    this.#cpuSeconds = cpuSeconds;
    this.#gauges.resident.set(residentBytes);
  }
}

/** Two that differ behind the end become one, and are added up. */
function labelOf(name: string): string {
  const shown = [...printable(name)];
  return shown.length <= LABEL_LENGTH_MAX
    ? shown.join('')
    : `${shown.slice(0, LABEL_LENGTH_MAX - 1).join('')}…`;
}

function gaugesOf(registers: Registry[]) {
  const gauge = <Label extends string = never>(
    name: string,
    help: string,
    ...labelNames: Label[]
  ): Gauge<Label> => new Gauge({ name: `ptshare_${name}`, help, labelNames, registers });
  return {
    build: gauge('build_info', 'Version of the exporter; always 1.', 'version'),
    memory: gauge('memory_bytes', 'MemTotal of the host.'),
    tables: gauge('page_tables_bytes', 'PageTables of /proc/meminfo.'),
    parts: gauge('page_tables_part_bytes', 'What page tables consist of.', 'part'),
    duplicates: gauge('duplicate_bytes', 'Page tables that exist more than once.'),
    addressSpaces: gauge('address_spaces', 'Address spaces of user processes.'),
    exact: gauge('exact_address_spaces', 'Address spaces explained to the page.'),
    unread: gauge('unread_processes', 'Processes known by the size of their tables only.'),
    wholeHost: gauge('whole_host', 'Whether every process of the host can be seen.'),
    takes: gauge('design_page_tables_bytes', 'User page tables with a design.', 'design'),
    saves: gauge('design_savings_bytes', 'What a design would save.', 'design', 'bound'),
    groupTables: gauge('group_page_tables_bytes', 'VmPTE of a group of processes.', 'group'),
    groupDuplicates: gauge(
      'group_duplicate_bytes',
      'Page tables of a group that another process has too.',
      'group',
    ),
    groupProcesses: gauge('group_processes', 'Address spaces of a group.', 'group'),
    objectTables: gauge(
      'object_page_tables_bytes',
      'Page tables that map a file or segment.',
      'object',
      'kind',
    ),
    objectDuplicates: gauge(
      'object_duplicate_bytes',
      'Page tables of a file or segment beyond one copy of each.',
      'object',
      'kind',
    ),
    objectMappers: gauge('object_mappers', 'Address spaces that map it.', 'object', 'kind'),
    exceeded: gauge('threshold_exceeded', 'Whether a --threshold is passed.', 'threshold'),
    sampleTime: gauge('sample_timestamp_seconds', 'When the last sample was taken.'),
    sampleDuration: gauge('sample_duration_seconds', 'How long taking it took.'),
    resident: gauge('watch_resident_memory_bytes', 'Memory of the exporter itself.'),
  };
}

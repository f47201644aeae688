/** What was selected in the treemap: the processes of a group, or who maps an object. */
import { formatBytes } from '../../report/quantity.ts';
import type { HostReport, ProcessEntry } from '../../report/schema.ts';

interface DetailProps {
  readonly report: HostReport;
  readonly selected: string | undefined;
  /** Processes whose address space can be shown. */
  readonly spaces: ReadonlySet<number>;
  readonly pid: number | undefined;
  readonly onPid: (pid: number) => void;
}

/** A table of thousands of rows is read by nobody. */
const ROWS_MAX = 200;

export function Detail({ report, selected = '', ...rest }: DetailProps) {
  const name = selected.replace(/^group /, '');
  const isGroup = selected.startsWith('group ');
  const processes = isGroup
    ? report.processes.filter(({ group }) => group === name)
    : report.processes;
  return (
    <>
      {selected.startsWith('object ') && <ObjectDetail report={report} selected={selected} />}
      <ProcessTable
        caption={isGroup ? `Processes of ${name}` : 'All processes'}
        processes={processes}
        {...rest}
      />
    </>
  );
}

function ObjectDetail({ report, selected }: { report: HostReport; selected: string }) {
  const found = report.objects.find(({ kind, name }) => `object ${kind} ${name}` === selected);
  if (found === undefined) return null;
  const rows = [
    ['Kind', found.kind],
    ['Address spaces that map it', String(found.mappers)],
    ['Data mapped', formatBytes(found.mappedBytes)],
    ['Tables for it', formatBytes(found.tableBytes)],
    ['of these beyond one copy', formatBytes(found.duplicateBytes)],
    ['Tables for a byte of data', (found.tableBytes / Math.max(found.mappedBytes, 1)).toFixed(4)],
  ] as const;
  return (
    <dl className="pairs">
      {rows.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface ProcessTableProps extends Omit<DetailProps, 'report' | 'selected'> {
  readonly caption: string;
  readonly processes: readonly ProcessEntry[];
}

function ProcessTable({ caption, processes, spaces, pid, onPid }: ProcessTableProps) {
  const sorted = [...processes].sort((a, b) => b.vmPteBytes - a.vmPteBytes);
  const shown = sorted.slice(0, ROWS_MAX);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section className="scroll" tabIndex={0} aria-label={caption}>
      <table>
        <thead>
          <tr>
            <th>{caption}</th>
            <th className="number">pid</th>
            <th className="number">VmPTE</th>
            <th className="number">PTE</th>
            <th className="number">PMD</th>
            <th className="number">PUD</th>
            <th className="number">deposited</th>
            <th className="number">residual</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((process) => (
            <tr key={process.pid} className={process.pid === pid ? 'selected' : undefined}>
              <td>
                {spaces.has(process.pid) ? (
                  <button type="button" className="link" onClick={() => onPid(process.pid)}>
                    {process.comm}
                  </button>
                ) : (
                  process.comm
                )}
              </td>
              <td className="number">{process.pid}</td>
              <td className="number">{formatBytes(process.vmPteBytes)}</td>
              <td className="number">{process.tables.pte}</td>
              <td className="number">{process.tables.pmd}</td>
              <td className="number">{process.tables.pud}</td>
              <td className="number">{process.tables.deposited}</td>
              <td className="number">
                {process.residualBytes === 0 ? '·' : formatBytes(process.residualBytes)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {sorted.length > shown.length && <p>and {sorted.length - shown.length} smaller ones</p>}
    </section>
  );
}

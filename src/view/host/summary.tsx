/** The host in one line of numbers and one bar. */
import { compositionOf } from '../../report/headline.ts';
import { formatBytes, formatPercent, formatTime } from '../../report/quantity.ts';
import type { HostReport } from '../../report/schema.ts';

export function Summary({ report }: { readonly report: HostReport }) {
  const { pageTables, kernel, memory, exactness } = report;
  const { repeatedBytes } = compositionOf(report);
  return (
    <section className="summary" aria-label="The host">
      <div className="summary-line">
        <h1>{report.hostname}</h1>
        <span>
          Linux {kernel.release} · {kernel.geometry} · {formatTime(report.takenAt)}
        </span>
      </div>
      <dl className="figures">
        <Figure name="Page tables" value={formatBytes(pageTables.reportedBytes)}>
          {formatPercent(pageTables.percentOfMemory)} of {formatBytes(memory.totalBytes)}
        </Figure>
        <Figure name="The same again" value={formatBytes(repeatedBytes)}>
          in several processes
        </Figure>
        <Figure name="Address spaces" value={String(exactness.processes)}>
          {exactness.exact} explained to the page
        </Figure>
        <Figure name="Unexplained" value={formatBytes(pageTables.unexplainedBytes)}>
          of what /proc/meminfo says
        </Figure>
        <Figure name="Huge pages" value={kernel.thpEnabled}>
          shmem {kernel.shmemThpEnabled}, pools{' '}
          {memory.hugetlbPools.filter(({ total }) => total > 0).length}
        </Figure>
      </dl>
      <Breakdown report={report} />
    </section>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly children: React.ReactNode;
}

function Figure({ name, value, children }: FigureProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <b>{value}</b>
        <small>{children}</small>
      </dd>
    </div>
  );
}

/** What `PageTables` is made of. */
function Breakdown({ report }: { readonly report: HostReport }) {
  const { onceBytes, repeatedBytes, kernelBytes, elsewhereBytes } = compositionOf(report);
  const parts = [
    { look: 'once', name: 'one of each user table', bytes: onceBytes },
    { look: 'repeated', name: 'the same again', bytes: repeatedBytes },
    { look: 'other', name: 'kernel', bytes: kernelBytes },
    { look: 'unseen', name: 'not seen', bytes: elsewhereBytes },
  ].filter(({ bytes }) => bytes > 0);
  const whole = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  return (
    <ul className="breakdown" aria-label="What PageTables is made of">
      {parts.map(({ look, name, bytes }) => (
        <li key={name} style={{ flexGrow: bytes / whole }} title={`${name}: ${formatBytes(bytes)}`}>
          <i className={look} />
          <span>
            {name} <b>{formatBytes(bytes)}</b>
          </span>
        </li>
      ))}
    </ul>
  );
}

/** What page tables cost on a host. */
import { useMemo, useState } from 'react';
import type { OpenedHost } from '../protocol.ts';
import { useStore } from '../store.ts';
import { Empty } from '../ui/empty.tsx';
import { Advice } from './advice.tsx';
import { Compare } from './compare.tsx';
import { Designs } from './designs.tsx';
import { Detail } from './detail.tsx';
import { LiveBar } from './live_bar.tsx';
import { Space } from './space.tsx';
import { Summary } from './summary.tsx';
import { payersByGroup, payersByObject } from './tiles.ts';
import { Treemap } from './treemap.tsx';

const TREEMAP_HEIGHT = 300;

export function HostView() {
  const { host } = useStore();
  if (host !== undefined) return <OpenHost host={host} />;
  return (
    <Empty
      title="No host is open"
      commands={[
        'ptshare host --save host.parquet && ptshare view host.parquet',
        'ptshare view --live',
      ]}
    >
      Save a snapshot of a host, and open it: a snapshot shows its address spaces, too; a report (
      <code>ptshare host --json</code>) all the rest.
    </Empty>
  );
}

function OpenHost({ host }: { readonly host: OpenedHost }) {
  const { report } = host;
  const { live } = useStore();
  const [by, setBy] = useState<'group' | 'object'>('group');
  const [selected, setSelected] = useState<string>();
  const [pid, setPid] = useState<number>();
  const payers = useMemo(
    () => (by === 'group' ? payersByGroup(report) : payersByObject(report)),
    [report, by],
  );
  const spaces = useMemo(() => new Set(host.spaces), [host]);
  const shownPid = pid ?? largest(host);
  return (
    <div className="host">
      {live !== undefined && <LiveBar live={live} />}
      <Summary report={report} />
      <section className="panel" aria-labelledby="payers">
        <h2 id="payers">
          Who pays
          <span className="choice">
            {(['group', 'object'] as const).map((each) => (
              <button
                key={each}
                type="button"
                aria-pressed={by === each}
                onClick={() => {
                  setBy(each);
                  setSelected(undefined);
                }}
              >
                {each === 'group' ? 'by process group' : 'by mapped object'}
              </button>
            ))}
          </span>
          <span className="legend">
            <i className="once" /> tables <i className="repeated" /> the same again
          </span>
        </h2>
        <Treemap
          label={by === 'group' ? 'Page tables by process group' : 'Page tables by mapped object'}
          payers={payers}
          height={TREEMAP_HEIGHT}
          selected={selected}
          onSelect={(key) => setSelected(key === selected ? undefined : key)}
        />
        <Detail report={report} selected={selected} spaces={spaces} pid={shownPid} onPid={setPid} />
      </section>
      <section className="panel" aria-labelledby="designs">
        <h2 id="designs">
          What each design would save
          <span className="legend">
            <i className="bar-key before" /> user tables today <i className="bar-key after" /> with
            it
          </span>
        </h2>
        <Designs designs={report.designs} />
        <Advice advice={report.advice} />
      </section>
      <Space host={host} pid={shownPid} />
      <Compare host={host} />
      <Notes notes={report.notes} />
    </div>
  );
}

function largest({ report, spaces }: OpenedHost): number | undefined {
  const seen = new Set(spaces);
  return report.processes
    .filter(({ pid }) => seen.has(pid))
    .sort((a, b) => b.vmPteBytes - a.vmPteBytes)[0]?.pid;
}

function Notes({ notes }: { readonly notes: readonly string[] }) {
  if (notes.length === 0) return null;
  return (
    <section className="panel wide" aria-labelledby="notes">
      <h2 id="notes">What could not be seen, and what was assumed</h2>
      <ul className="notes">
        {notes.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </section>
  );
}

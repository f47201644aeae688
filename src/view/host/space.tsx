/** One address space, from all that is mapped down to single tables. */
import { useEffect, useMemo, useState } from 'react';
import type { Strip } from '../../scene/strip.ts';
import type { OpenedHost } from '../protocol.ts';
import { store } from '../store.ts';
import { SpaceStrip } from './space_strip.tsx';

interface SpaceProps {
  readonly host: OpenedHost;
  readonly pid: number | undefined;
}

export function Space({ host, pid }: SpaceProps) {
  const strip = useStrip(host, pid);
  return (
    <section className="panel wide" aria-labelledby="space">
      <h2 id="space">
        Address space {strip !== undefined && `of ${strip.comm} (${strip.pid})`}
        <span className="legend">
          <i className="once" /> PTE tables <i className="repeated" /> the same elsewhere{' '}
          <i className="huge" /> huge pages <i className="other" /> empty tables, holes
        </span>
      </h2>
      {host.spaces.length === 0 ? (
        <p className="hint">
          A report has no address spaces. Open a snapshot to see them:{' '}
          <code>ptshare host --save host.parquet</code>
        </p>
      ) : strip === undefined ? (
        <div className="strip-place" />
      ) : (
        <SpaceStrip key={strip.pid} strip={strip} />
      )}
    </section>
  );
}

function useStrip({ id, spaces }: OpenedHost, pid: number | undefined): Strip | undefined {
  const [strip, setStrip] = useState<Strip>();
  const isThere = useMemo(() => pid !== undefined && spaces.includes(pid), [pid, spaces]);
  useEffect(() => {
    if (!isThere || pid === undefined) return;
    let isWanted = true;
    store.client.ask('strip', { id, pid }).then(
      (answer) => {
        if (isWanted && answer !== null) setStrip(answer);
      },
      (error: unknown) => {
        if (isWanted) store.tell(error);
      },
    );
    return () => {
      isWanted = false;
    };
  }, [id, pid, isThere]);
  return isThere ? strip : undefined;
}

/** A host against itself, earlier: what has changed, and what came of the predictions. */
import { useEffect, useState } from 'react';
import type { Comparison } from '../../report/compare/schema.ts';
import { formatBytes, formatPercent, formatTime } from '../../report/quantity.ts';
import type { OpenedHost } from '../protocol.ts';
import { store, useStore } from '../store.ts';
import { OpenButton } from '../ui/top_bar.tsx';

const ROWS_MAX = 40;

export function Compare({ host }: { readonly host: OpenedHost }) {
  const { before } = useStore();
  const comparison = useComparison(host, before);
  return (
    <section className="panel wide" aria-labelledby="compare">
      <h2 id="compare">
        Before and after
        <span className="choice">
          <OpenButton label="Compare with…" as="before" />
          {before !== undefined && (
            <button type="button" onClick={() => store.compareWith(undefined)}>
              Stop comparing
            </button>
          )}
        </span>
      </h2>
      {comparison === undefined ? (
        <p className="hint">
          Open a snapshot or report of the same host from another time to see what has changed, and
          how much of what was predicted came true.
        </p>
      ) : (
        <Differences comparison={comparison} />
      )}
    </section>
  );
}

function useComparison(host: OpenedHost, before: OpenedHost | undefined): Comparison | undefined {
  const [latest, setLatest] = useState<{ readonly before: number; readonly answer: Comparison }>();
  useEffect(() => {
    if (before === undefined) return;
    let isWanted = true;
    store.client.ask('compare', { before: before.id, after: host.id }).then(
      (answer) => {
        if (isWanted) setLatest({ before: before.id, answer });
      },
      (error: unknown) => {
        if (isWanted) store.tell(error);
      },
    );
    return () => {
      isWanted = false;
    };
  }, [host, before]);
  // Of a host that is followed, the last one stays until the next is there.
  return latest?.before === before?.id ? latest?.answer : undefined;
}

function Differences({ comparison }: { readonly comparison: Comparison }) {
  const { before, after, reported, groups, designs, inForce, notes } = comparison;
  const rows = [{ name: 'the host (PageTables)', ...reported }, ...groups].slice(0, ROWS_MAX);
  const most = Math.max(1, ...rows.flatMap((row) => [row.beforeBytes, row.afterBytes]));
  return (
    <>
      {notes.map((note) => (
        <p key={note} className="caveat">
          {note}
        </p>
      ))}
      <table className="differences">
        <thead>
          <tr>
            <th>Tables of</th>
            <th className="number">{formatTime(before.takenAt)}</th>
            <th className="number">{formatTime(after.takenAt)}</th>
            <th className="number">saved</th>
            <th>before over after</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, beforeBytes, afterBytes, savesBytes }) => (
            <tr key={name}>
              <td>{name}</td>
              <td className="number">{formatBytes(beforeBytes)}</td>
              <td className="number">{formatBytes(afterBytes)}</td>
              <td className={savesBytes > 0 ? 'number saving' : 'number'}>
                {formatBytes(savesBytes)}
              </td>
              <td>
                <span className="bar" aria-hidden="true">
                  <span
                    className="bar-before"
                    style={{ width: `${(beforeBytes / most) * 100}%` }}
                  />
                  <span className="bar-after" style={{ width: `${(afterBytes / most) * 100}%` }} />
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <ul className="verdicts">
        {designs
          .filter(({ predictedBytes }) => predictedBytes > 0)
          .map(({ id, title, predictedBytes, measuredBytes, percent }) => (
            <li key={id}>
              <b>{id}</b> {title}: predicted {formatBytes(predictedBytes)}, measured{' '}
              {formatBytes(measuredBytes)}
              {percent !== null && ` (${formatPercent(percent)})`}
              {id === inForce && ' · in force now'}
            </li>
          ))}
      </ul>
    </>
  );
}

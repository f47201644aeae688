/** Designs side by side: user tables before and after, and what each of them takes. */
import { useState } from 'react';
import { formatBytes, formatPercent, percentOf } from '../../report/quantity.ts';
import type { DesignEntry } from '../../report/schema.ts';

const BOUNDS = { exact: '', upper: 'at most', lower: 'at least' } as const;

export function Designs({ designs }: { readonly designs: readonly DesignEntry[] }) {
  const [open, setOpen] = useState<string>();
  const most = Math.max(1, ...designs.flatMap(({ beforeBytes, bytes }) => [beforeBytes, bytes]));
  return (
    <ul className="designs">
      {designs.map((design) => (
        <li key={design.id}>
          <button
            type="button"
            className="design"
            aria-expanded={open === design.id}
            onClick={() => setOpen(open === design.id ? undefined : design.id)}
          >
            <span className="design-name">
              <b>{design.id}</b> {design.title}
            </span>
            <DesignBar design={design} most={most} />
            <span className="number">{formatBytes(design.bytes)}</span>
            <span className={design.savesBytes > 0 ? 'number saving' : 'number'}>
              {savingOf(design)}
            </span>
          </button>
          {open === design.id && <DesignDetail design={design} />}
        </li>
      ))}
    </ul>
  );
}

function savingOf({ savesBytes, beforeBytes, bound }: DesignEntry): string {
  if (savesBytes === 0) return 'saves nothing';
  const share = formatPercent(percentOf(Math.abs(savesBytes), beforeBytes));
  if (savesBytes < 0) return `costs ${share} more`;
  return `saves ${BOUNDS[bound]} ${share}`;
}

function DesignBar({ design, most }: { readonly design: DesignEntry; readonly most: number }) {
  const width = (bytes: number): string => `${(Math.max(bytes, 0) / most) * 100}%`;
  return (
    <span className="bar" aria-hidden="true">
      <span className="bar-before" style={{ width: width(design.beforeBytes) }} />
      <span className="bar-after" style={{ width: width(design.bytes) }} />
    </span>
  );
}

function DesignDetail({ design }: { readonly design: DesignEntry }) {
  return (
    <div className="design-detail">
      <List title="Requires" items={design.requires} />
      <List title="Costs" items={design.costs} />
      {design.gains.length > 0 && (
        <List
          title="Who saves"
          items={design.gains
            .slice(0, 5)
            .map(({ group, savesBytes }) => `${group}: ${formatBytes(savesBytes)}`)}
        />
      )}
    </div>
  );
}

function List({ title, items }: { readonly title: string; readonly items: readonly string[] }) {
  return (
    <div>
      <h3>{title}</h3>
      {items.length === 0 ? (
        <p>nothing</p>
      ) : (
        <ul>
          {items.map((item) => (
            <li key={item}>{item}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

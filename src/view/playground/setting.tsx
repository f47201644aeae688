/** The machine that it runs on: page tables, a design that shares them, CPUs. */
import { useEffect, useState } from 'react';
import { FORMATS } from '../../arch/index.ts';
import type { DesignItem } from '../protocol.ts';
import { store } from '../store.ts';
import { CPUS_MAX, type Draft, hasCpus, NO_DESIGN } from './draft.ts';

/** Calls count in pages of 4 KiB. */
const FORMAT_IDS = FORMATS.filter(({ pageShift }) => pageShift === 12).map(({ id }) => id);
const CPU_COUNTS = Array.from({ length: CPUS_MAX }, (_, index) => index + 1);

interface SettingProps {
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
}

export function Setting({ draft, onChange }: SettingProps) {
  const designs = useDesigns();
  const isRace = hasCpus(draft.text);
  return (
    <div className="controls setting">
      <label>
        Page tables
        <select
          value={draft.format}
          onChange={({ target }) => onChange({ ...draft, format: target.value })}
        >
          {FORMAT_IDS.map((id) => (
            <option key={id}>{id}</option>
          ))}
        </select>
      </label>
      {isRace || (
        <label>
          CPUs
          <select
            value={draft.cpus}
            onChange={({ target }) => onChange({ ...draft, cpus: Number(target.value) })}
          >
            {CPU_COUNTS.map((count) => (
              <option key={count}>{count}</option>
            ))}
          </select>
        </label>
      )}
      <label>
        Design
        <select
          value={draft.design}
          onChange={({ target }) => onChange({ ...draft, design: target.value })}
        >
          {designs.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

/** Until the worker says which there are, there is none. */
function useDesigns(): readonly DesignItem[] {
  const [designs, setDesigns] = useState<readonly DesignItem[]>([
    { id: NO_DESIGN, title: 'none: Linux 6.18' },
  ]);
  useEffect(() => {
    void store.client.ask('designs', null).then(setDesigns, () => {});
  }, []);
  return designs;
}

/** The races of the zoo, which are programs: to be explored as they are. */
import { useState } from 'react';
import type { ZooItem } from '../protocol.ts';

interface ZooChoiceProps {
  readonly zoo: readonly ZooItem[];
  readonly onChoose: (id: string, isBroken: boolean) => void;
}

export function ZooChoice({ zoo, onChoose }: ZooChoiceProps) {
  const [id, setId] = useState('');
  const chosen = id === '' ? zoo[0]?.id : id;
  return (
    <span className="zoo-choice">
      <select
        aria-label="A race of the zoo"
        value={chosen}
        onChange={({ target }) => setId(target.value)}
      >
        {zoo.map((item) => (
          <option key={item.id} value={item.id}>
            {item.id} {item.title}
          </option>
        ))}
      </select>
      <button
        type="button"
        title="Explore this race with its mistake"
        onClick={() => chosen !== undefined && onChoose(chosen, true)}
      >
        Find
      </button>
      <button
        type="button"
        title="Explore this race without its mistake"
        onClick={() => chosen !== undefined && onChoose(chosen, false)}
      >
        Verify fix
      </button>
    </span>
  );
}

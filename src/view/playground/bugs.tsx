/** Known bugs, to be switched on in what was written. */
import type { ZooItem } from '../protocol.ts';

interface BugsProps {
  readonly zoo: readonly ZooItem[];
  readonly bugs: readonly string[];
  readonly onChange: (bugs: readonly string[]) => void;
}

export function Bugs({ zoo, bugs, onChange }: BugsProps) {
  return (
    <fieldset className="bugs">
      <legend>Known bugs, re-created</legend>
      {zoo.map(({ id, bug, title, aliases }) => (
        <label key={id} title={aliases.join(', ')}>
          <input
            type="checkbox"
            checked={bugs.includes(bug)}
            onChange={({ target }) =>
              onChange(target.checked ? [...bugs, bug] : bugs.filter((each) => each !== bug))
            }
          />
          <b>{id}</b> {title}
        </label>
      ))}
    </fieldset>
  );
}

/** Locks that are held, and who waits for them. */
import type { PictureLock } from '../../scene/picture.ts';

export function Locks({ locks }: { readonly locks: readonly PictureLock[] }) {
  return (
    <section aria-labelledby="locks">
      <h2 id="locks">Locks</h2>
      {locks.length === 0 && <p className="hint">No lock is held.</p>}
      <ul className="locks">
        {locks.map(({ lock, name, holders, waiting, isTouched }) => (
          <li key={lock} className={isTouched ? 'touched' : undefined}>
            <b>{name}</b>
            {holders.map((holder) => (
              <span key={holder.name} className={`holder ${holder.mode}`}>
                {holder.name}
                {holder.mode === 'shared' && ' reads'}
              </span>
            ))}
            {waiting.map((who) => (
              <span key={who} className="holder waits">
                {who} waits
              </span>
            ))}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A finding of a program that cannot be run here: its steps, as the file has them. */
import type { FoundEntry } from '../../scene/story.ts';

export function StepsOnly({ entry }: { readonly entry: FoundEntry }) {
  return (
    <section className="steps-only">
      <h1>
        {entry.id} <span className="property">{entry.property}</span>
      </h1>
      {entry.source === undefined && (
        <p className="hint">
          This scenario is a program of yours, which only <code>ptshare check</code> can run: save
          what it does with <code>--trace</code>, and open that to see the tables.
        </p>
      )}
      <ol>
        {entry.steps.map(({ actor, does, holds = [] }, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: steps have no other name.
          <li key={at}>
            <b>{actor}</b> {does}
            {holds.length > 0 && <small> holds {holds.join(', ')}</small>}
          </li>
        ))}
      </ol>
    </section>
  );
}

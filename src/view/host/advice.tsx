/** What to change on the host. */
import { formatBytes } from '../../report/quantity.ts';
import type { AdviceEntry } from '../../report/schema.ts';

export function Advice({ advice }: { readonly advice: readonly AdviceEntry[] }) {
  if (advice.length === 0) return null;
  return (
    <>
      <h2>What to change</h2>
      <ul className="advice">
        {advice.map((entry) => (
          <li key={entry.id}>
            <details>
              <summary>
                {entry.title} <span className="saving">saves {formatBytes(entry.savesBytes)}</span>
              </summary>
              <p>{entry.why}</p>
              <ol>
                {entry.steps.map(({ text, command }) => (
                  <li key={text}>
                    {text}
                    {command !== undefined && (
                      <pre>
                        <code>{command}</code>
                      </pre>
                    )}
                  </li>
                ))}
              </ol>
              {entry.caveats.map((caveat) => (
                <p key={caveat} className="caveat">
                  {caveat}
                </p>
              ))}
            </details>
          </li>
        ))}
      </ul>
    </>
  );
}

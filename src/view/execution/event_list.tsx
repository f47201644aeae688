/** Events around the cursor, in words, with the rule behind the current one. */
import { useEffect, useRef } from 'react';
import type { EventLine } from '../../scene/scene.ts';

interface EventListProps {
  readonly lines: readonly EventLine[];
  readonly cursor: number;
  readonly onCursor: (event: number) => void;
}

const SIGNS: Partial<Readonly<Record<EventLine['kind'], string>>> = {
  violation: '✕',
  obligationOpened: '!',
  obligationDischarged: '✓',
};

export function EventList({ lines, cursor, onCursor }: EventListProps) {
  const current = useRef<HTMLLIElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the current line moves with both.
  useEffect(() => {
    current.current?.scrollIntoView({ block: 'nearest' });
  }, [cursor, lines]);
  const here = lines.find(({ event }) => event === cursor);
  return (
    <div className="events">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <ol tabIndex={0} aria-label="Events">
        {lines.map((line, at) => (
          <li
            key={line.event}
            ref={line.event === cursor ? current : undefined}
            className={`event ${line.kind}`}
            aria-current={line.event === cursor ? 'step' : undefined}
          >
            <span className="number">{isNewStep(lines, at) ? line.time : ''}</span>
            <button type="button" tabIndex={-1} onClick={() => onCursor(line.event)}>
              <b>
                {line.cpu}
                {SIGNS[line.kind] ?? ''}
              </b>{' '}
              {line.text}
            </button>
          </li>
        ))}
      </ol>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <section className="rule" tabIndex={0} aria-live="polite" aria-label="The rule behind it">
        {here !== undefined && (
          <>
            <p>
              <b>
                CPU {here.cpu}
                {here.actor === '' ? '' : `, ${here.actor}`}
              </b>{' '}
              {here.text}
            </p>
            {here.rule !== undefined && (
              <p className="why">
                {here.rule.why} <small>{here.rule.source}</small>
              </p>
            )}
          </>
        )}
      </section>
    </div>
  );
}

/** Whether a line begins another step: a time, or somebody else. */
function isNewStep(lines: readonly EventLine[], at: number): boolean {
  const [line, before] = [lines[at]!, lines[at - 1]];
  return before === undefined || before.time !== line.time || before.cpu !== line.cpu;
}

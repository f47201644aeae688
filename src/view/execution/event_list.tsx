/** Events around the cursor, in words, with the rule behind the current one. */
import { memo, useEffect, useRef } from 'react';
import type { EventLine } from '../../scene/scene.ts';
import { useRows } from './use_rows.ts';

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

export const EventList = memo(({ lines, cursor, onCursor }: EventListProps) => {
  const list = useRef<HTMLOListElement>(null);
  const { from, to, reveal } = useRows(list, lines.length > 0);
  const current = lines.findIndex(({ event }) => event === cursor);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the current line moves with both.
  useEffect(() => {
    if (current >= 0) reveal(current);
  }, [reveal, current, lines]);
  const here = lines[current];
  return (
    <div className="events">
      <ol
        ref={list}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        tabIndex={0}
        aria-label="Events"
        style={{
          paddingBlock: `${height(Math.min(from, lines.length))} ${height(lines.length - to)}`,
        }}
      >
        {lines.slice(from, to).map((line, index) => (
          <Line
            // biome-ignore lint/suspicious/noArrayIndexKey: in a scrub each line shows another event, and only its text changes.
            key={from + index}
            event={line.event}
            kind={line.kind}
            time={isNewStep(lines, from + index) ? line.time : undefined}
            cpu={line.cpu}
            text={line.text}
            isCurrent={from + index === current}
            onCursor={onCursor}
          />
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
});

/** Of so many lines. */
const height = (lines: number): string => `calc(${Math.max(lines, 0)} * var(--event-height))`;

interface LineProps {
  readonly event: number;
  readonly kind: EventLine['kind'];
  /** If it begins another step. */
  readonly time: number | undefined;
  readonly cpu: number;
  readonly text: string;
  readonly isCurrent: boolean;
  readonly onCursor: (event: number) => void;
}

const Line = memo(({ event, kind, time, cpu, text, isCurrent, onCursor }: LineProps) => (
  <li className={`event ${kind}`} aria-current={isCurrent ? 'step' : undefined}>
    <span className="number">{time ?? ''}</span>
    <button type="button" tabIndex={-1} onClick={() => onCursor(event)}>
      <b>{`${cpu}${SIGNS[kind] ?? ''}`}</b> {text}
    </button>
  </li>
));

/** Whether a line begins another step: a time, or somebody else. */
function isNewStep(lines: readonly EventLine[], at: number): boolean {
  const [line, before] = [lines[at]!, lines[at - 1]];
  return before === undefined || before.time !== line.time || before.cpu !== line.cpu;
}

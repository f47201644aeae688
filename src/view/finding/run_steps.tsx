/** The steps of a run: a column for each CPU, from top to bottom as time goes by. */
import { useEffect, useRef } from 'react';
import type { StoryRun, StoryStep } from '../../scene/story.ts';
import type { Row } from './rows.ts';

interface RunStepsProps {
  readonly title: string;
  readonly run: StoryRun;
  readonly rows: readonly Row[];
  /** The current step, -1 for none. */
  readonly at: number;
  readonly isActive: boolean;
  readonly onStep: (at: number) => void;
  readonly onUnfold: (first: number) => void;
}

export function RunSteps({ title, run, rows, at, isActive, onStep, onUnfold }: RunStepsProps) {
  const current = useRef<HTMLLIElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the current row moves with `at`.
  useEffect(() => {
    current.current?.scrollIntoView({ block: 'nearest' });
  }, [at, rows]);
  const titles = laneTitles(run);
  const columns = { gridTemplateColumns: `30px repeat(${run.lanes.length}, minmax(0, 1fr))` };
  return (
    <section className={isActive ? 'run active' : 'run'} aria-label={title}>
      <h2>
        {title}
        <Verdict run={run} />
      </h2>
      <div className="lane-titles" style={columns}>
        <span />
        {run.lanes.map((lane) => (
          <b key={lane}>{titles.get(lane) ?? lane}</b>
        ))}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <ol tabIndex={0} aria-label={`Steps: ${title}`}>
        {rows.map((row) =>
          row.kind === 'fold' ? (
            <li key={row.first} className="fold">
              <button type="button" onClick={() => onUnfold(row.first)}>
                {row.count} steps that nobody else can notice
              </button>
            </li>
          ) : (
            <li
              key={row.at}
              ref={row.at === at ? current : undefined}
              className={lookOf(run, row.at, row.step)}
              aria-current={row.at === at ? 'step' : undefined}
              style={columns}
            >
              <span className="number">{row.at + 1}</span>
              <button
                type="button"
                tabIndex={-1}
                style={{ gridColumn: run.lanes.indexOf(row.step.lane) + 2 }}
                onClick={() => onStep(row.at)}
                title={row.step.holds.length > 0 ? `holds ${row.step.holds.join(', ')}` : undefined}
              >
                {row.step.role !== '' && (
                  <small>{row.step.role === 'interrupt' ? 'irq ' : 'rcu '}</small>
                )}
                {row.step.text}
              </button>
            </li>
          ),
        )}
      </ol>
    </section>
  );
}

function Verdict({ run: { property } }: { readonly run: StoryRun }) {
  return property === undefined ? (
    <span className="verdict fine">✓ nothing is violated</span>
  ) : (
    <span className="verdict broken">✕ {property}</span>
  );
}

function lookOf({ steps, property }: StoryRun, at: number, step: StoryStep): string {
  return [
    'story-step',
    step.isStale ? 'is-stale' : '',
    step.matters ? '' : 'aside',
    property !== undefined && at === steps.length - 1 ? 'violates' : '',
  ].join(' ');
}

/** `CPU 0: munmap`, after who runs there and is no interrupt. */
function laneTitles({ steps }: StoryRun): Map<string, string> {
  const titles = new Map<string, string>();
  for (const { lane, role, actor } of steps) {
    if (role === '') titles.set(lane, actor);
  }
  return titles;
}

/** Write what each CPU does, and explore every interleaving, here in the browser. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import { Player } from '../execution/player.tsx';
import { useZoo } from '../finding/finding_view.tsx';
import { StoryView } from '../finding/story_view.tsx';
import type { OpenedExecution } from '../protocol.ts';
import { goTo, linkTo, type Route } from '../route.ts';
import { CodeEditor } from '../ui/code_editor.tsx';
import { Bugs } from './bugs.tsx';
import { type Draft, decodeDraft, encodeDraft, hasCpus } from './draft.ts';
import { EXAMPLES } from './examples.ts';
import { Setting } from './setting.tsx';
import { type Result, useExploration } from './use_exploration.ts';
import { ZooChoice } from './zoo_choice.tsx';

const SETTLE_MS = 400;

export function PlaygroundView({ route }: { readonly route: Route }) {
  const [draft, setDraft] = useDraft(route);
  const exploration = useExploration();
  const zoo = useZoo();
  const isRace = hasCpus(draft.text);
  const run = useCallback(
    () => void (isRace ? exploration.explore(draft) : exploration.run(draft)),
    [isRace, exploration, draft],
  );
  return (
    <div className="playground">
      <h1 className="visually-hidden">Playground</h1>
      <section className="desk" aria-label="Scenario">
        <div className="controls">
          <select
            aria-label="Begin with an example"
            value={EXAMPLES.find(({ text }) => text === draft.text)?.title ?? ''}
            onChange={({ target }) => {
              const example = EXAMPLES.find(({ title }) => title === target.value);
              if (example !== undefined) setDraft(example);
            }}
          >
            <option value="" disabled>
              your own
            </option>
            {EXAMPLES.map(({ title }) => (
              <option key={title}>{title}</option>
            ))}
          </select>
          <ZooChoice zoo={zoo} onChoose={exploration.exploreZoo} />
        </div>
        <Setting draft={draft} onChange={setDraft} />
        <CodeEditor
          label="Scenario: calls to set up, then what each CPU does"
          text={draft.text}
          onChange={(text) => setDraft({ ...draft, text })}
          onRun={run}
        />
        <div className="controls">
          {exploration.busy === undefined ? (
            <button type="button" className="primary" onClick={run} title="Ctrl Enter">
              {isRace ? 'Explore every interleaving' : 'Run'}
            </button>
          ) : (
            <button type="button" onClick={exploration.stop}>
              Stop
            </button>
          )}
          <CopyLink draft={draft} />
          <span className="progress" role="status">
            {exploration.busy}
          </span>
        </div>
        <Bugs zoo={zoo} bugs={draft.bugs} onChange={(bugs) => setDraft({ ...draft, bugs })} />
      </section>
      <section className="outcome" aria-label="What came of it">
        <Outcome result={exploration.result} />
      </section>
    </div>
  );
}

/** What is written, kept in the fragment of the address. */
function useDraft(route: Route): readonly [Draft, (draft: Draft) => void] {
  const [fragment] = route.path;
  const [draft, setDraft] = useState<Draft>(
    () => (fragment === undefined ? undefined : decodeDraft(fragment)) ?? EXAMPLES[0]!,
  );
  const encoded = useMemo(() => encodeDraft(draft), [draft]);
  useEffect(() => {
    const timer = setTimeout(() => goTo(linkTo('playground', [encoded]), true), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [encoded]);
  return [draft, setDraft];
}

function CopyLink({ draft }: { readonly draft: Draft }) {
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setIsCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <button
      type="button"
      title="The address holds the whole scenario; nothing is sent anywhere"
      onClick={() => {
        const url = new URL(location.href);
        url.hash = linkTo('playground', [encodeDraft(draft)]);
        void navigator.clipboard.writeText(url.href).then(() => setIsCopied(true));
      }}
    >
      {isCopied ? 'Copied' : 'Copy link'}
    </button>
  );
}

function Outcome({ result }: { readonly result: Result | undefined }) {
  switch (result?.kind) {
    case 'story':
      return (
        <>
          <p className="summary-bar found">
            <b>✕ Found</b> after {counted(result.explored.executions + 1)} in{' '}
            {result.explored.seconds.toFixed(2)} s
          </p>
          <StoryView key={result.opened.broken.id} opened={result.opened} />
        </>
      );
    case 'clean':
      return <Clean result={result} />;
    case 'run':
      return <Run execution={result.execution} />;
    default:
      return (
        <div className="empty">
          <h1>Nothing has run yet</h1>
          <p>
            What stands above the first <code>cpu 0:</code> sets the machine up; then each CPU runs
            its part, and every interleaving that can make a difference is tried. Without such parts
            it is a script, which runs from top to bottom.
          </p>
          <p>
            Switch a known bug on to see it found, or off to see that nothing is. The calls are
            those of <code>ptshare run</code>; <code>expect(load(a), 7)</code> says what must be
            read.
          </p>
        </div>
      );
  }
}

/** Shown as it ends: at its beginning there is nothing to see. */
function Run({ execution }: { readonly execution: OpenedExecution }) {
  const { id, timeline } = execution;
  return <Player key={id} execution={execution} begin={Math.max(timeline.events - 1, 0)} />;
}

function Clean({ result: { explored } }: { readonly result: Extract<Result, { kind: 'clean' }> }) {
  return (
    <div className="empty">
      <h1 className={explored.isComplete ? 'saving' : 'caveat'}>
        {explored.isComplete ? '✓ Verified' : 'Nothing found so far'}
      </h1>
      <p>
        {explored.isComplete
          ? `All interleavings that can differ were run: ${counted(explored.executions)}, up to ${explored.deepest} steps each, in ${explored.seconds.toFixed(2)} s. No property was violated in any.`
          : `${counted(explored.executions)} were run, and there are more: use ptshare check for searches of this size.`}
      </p>
    </div>
  );
}

function counted(executions: number): string {
  return `${executions.toLocaleString('en')} ${executions === 1 ? 'execution' : 'executions'}`;
}

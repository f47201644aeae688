/** Searches in a worker of their own, so that they can be stopped at any time. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { StorySource } from '../../scene/story.ts';
import { Client, WorkerFailure } from '../client.ts';
import type { Explored, OpenedExecution, OpenedStory } from '../protocol.ts';
import { store } from '../store.ts';
import { type Draft, sourceOf } from './draft.ts';

export type Result =
  | { readonly kind: 'story'; readonly explored: Explored; readonly opened: OpenedStory }
  | { readonly kind: 'clean'; readonly explored: Explored }
  | { readonly kind: 'run'; readonly execution: OpenedExecution };

export interface ExplorationState {
  readonly result: Result | undefined;
  /** How far the search is, while there is one. */
  readonly busy: string | undefined;
  readonly explore: (draft: Draft) => Promise<void>;
  readonly exploreZoo: (id: string, isBroken: boolean) => Promise<void>;
  readonly run: (draft: Draft) => Promise<void>;
  readonly stop: () => void;
}

/** Some minutes of a browser. */
const EXECUTIONS_MAX = 5_000_000;

export function useExploration(): ExplorationState {
  const [result, setResult] = useState<Result>();
  const [busy, setBusy] = useState<string>();
  const searcher = useRef(new Client());
  useEffect(() => {
    const client = searcher.current;
    return () => client.stop();
  }, []);

  const attempt = useCallback(async (what: string, work: () => Promise<Result>) => {
    setBusy(what);
    store.set({ problem: undefined });
    try {
      setResult(await work());
    } catch (error) {
      if (!(error instanceof WorkerFailure)) throw error;
      const { message, mend } = error;
      if (mend !== '') store.set({ problem: { message, mend } });
    } finally {
      setBusy(undefined);
    }
  }, []);
  const search = useCallback(
    (source: StorySource, isBroken: boolean) =>
      attempt('Exploring', async () => {
        const ask = { source, isBroken, executionsMax: EXECUTIONS_MAX };
        const explored = await searcher.current.ask('explore', ask, setBusy);
        if (explored.schedule === undefined) return { kind: 'clean', explored };
        const { schedule } = explored;
        const opened = await store.client.ask('story', { source, schedule });
        return { kind: 'story', explored, opened };
      }),
    [attempt],
  );
  return useMemo(
    () => ({
      result,
      busy,
      explore: (draft) => search(sourceOf(draft), true),
      exploreZoo: (id, isBroken) => search({ kind: 'zoo', id }, isBroken),
      run: (draft) =>
        attempt('Running', async () => {
          const source = sourceOf(draft);
          return { kind: 'run', execution: await store.client.ask('run', { source }) };
        }),
      stop: () => searcher.current.stop(),
    }),
    [result, busy, search, attempt],
  );
}

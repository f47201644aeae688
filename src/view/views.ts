/**
 * The views, each fetched when it is first needed. Not by `lazy()`: React keeps what stands for a
 * view on the screen for a third of a second though it is there.
 */
import { type ComponentType, useEffect, useState } from 'react';
import type { Route, ViewName } from './route.ts';
import { store } from './store.ts';

export type ViewComponent = ComponentType<{ readonly route: Route }>;

const FETCHING: Readonly<Record<ViewName, () => Promise<ViewComponent>>> = {
  host: async () => (await import('./host/host_view.tsx')).HostView,
  execution: async () => (await import('./execution/execution_view.tsx')).ExecutionView,
  finding: async () => (await import('./finding/finding_view.tsx')).FindingView,
  playground: async () => (await import('./playground/playground_view.tsx')).PlaygroundView,
  entry: async () => (await import('./entry/entry_view.tsx')).EntryView,
};
const fetched = new Map<ViewName, ViewComponent>();

export async function fetchView(name: ViewName): Promise<ViewComponent> {
  const view = fetched.get(name) ?? (await FETCHING[name]());
  fetched.set(name, view);
  return view;
}

/** Nothing until it is there. The name stays the same. */
export function useView(name: ViewName): ViewComponent | undefined {
  const [view, setView] = useState(() => fetched.get(name));
  useEffect(() => {
    fetchView(name).then(
      (found) => setView(() => found),
      (error: unknown) => store.tell(error),
    );
  }, [name]);
  return view;
}

/** Where the user is, as the fragment of the address says: it never leaves the browser. */
import { useSyncExternalStore } from 'react';

export const VIEWS = ['host', 'execution', 'finding', 'playground', 'entry'] as const;
export type ViewName = (typeof VIEWS)[number];

export interface Route {
  readonly view: ViewName | 'start';
  /** What is behind the view: `#/finding/B1` has `['B1']`. */
  readonly path: readonly string[];
  readonly parameters: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [view, ...rest] = path.split('/').map(decoded);
  const known = VIEWS.find((each) => each === view);
  return { view: known ?? 'start', path: rest, parameters: new URLSearchParams(query) };
}

/** A fragment may hold a `%` that begins nothing. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function linkTo(
  view: ViewName,
  path: readonly string[] = [],
  parameters: Readonly<Record<string, string>> = {},
): string {
  const query = new URLSearchParams(parameters).toString();
  const parts = [view, ...path].map(encodeURIComponent).join('/');
  return `#/${parts}${query === '' ? '' : `?${query}`}`;
}

/** @param isStep of the view that is shown: the way back leads past it, and who has left stays away */
export function goTo(hash: string, isStep = false): void {
  if (isStep && parseRoute(hash).view !== parseRoute(location.hash).view) return;
  if (isStep) {
    history.replaceState(null, '', hash);
    dispatchEvent(new HashChangeEvent('hashchange'));
  } else location.hash = hash;
}

function subscribe(notify: () => void): () => void {
  addEventListener('hashchange', notify);
  return () => removeEventListener('hashchange', notify);
}

export function useHash(): string {
  return useSyncExternalStore(subscribe, () => location.hash);
}

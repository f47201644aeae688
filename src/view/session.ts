/** What the server that sent the page has for it; a plain web server has nothing. */
import { followHost } from './live.ts';
import { store } from './store.ts';
import { fetchView } from './views.ts';

export interface Session {
  readonly file: { readonly name: string; readonly size: number } | null;
  readonly liveSeconds: number | null;
}

export async function openSession(asked: Promise<Session | undefined>): Promise<void> {
  const session = await asked;
  if (session === undefined) return;
  if (session.file !== null) {
    const { name, size } = session.file;
    // Asked for while the worker still reads what it needs.
    if (name.endsWith('.ptt')) void fetchView('execution');
    await store.open(name, size, new URL('./file', document.baseURI).href);
  }
  if (session.liveSeconds !== null) followHost(session.liveSeconds);
}

export async function readSession(): Promise<Session | undefined> {
  try {
    const response = await fetch('./session.json');
    const isOurs = response.headers.get('Content-Type') === 'application/json';
    return response.ok && isOurs ? ((await response.json()) as Session) : undefined;
  } catch {
    return undefined;
  }
}

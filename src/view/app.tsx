/** The frame: what is open, where one is, and the view. */
import { useEffect } from 'react';
import { parseRoute, type Route, useHash, type ViewName } from './route.ts';
import { openSession, type Session } from './session.ts';
import { StartView } from './start.tsx';
import { useStore } from './store.ts';
import { DropTarget } from './ui/drop.tsx';
import { Guard } from './ui/guard.tsx';
import { Notices } from './ui/notices.tsx';
import { TopBar } from './ui/top_bar.tsx';
import { useView } from './views.ts';

export function App({ session }: { readonly session: Promise<Session | undefined> }) {
  const route = parseRoute(useHash());
  const { host } = useStore();
  useEffect(() => {
    void openSession(session);
  }, [session]);
  useEffect(() => {
    const name = route.view === 'start' ? '' : `${TITLES[route.view]} · `;
    document.title = `${name}${host?.report.hostname ?? ''} ptshare`;
  }, [route.view, host]);
  return (
    <DropTarget>
      <TopBar route={route} />
      <Notices />
      <main id="main" tabIndex={-1}>
        {route.view === 'start' ? (
          <StartView />
        ) : (
          <Guard key={route.view}>
            <View name={route.view} route={route} />
          </Guard>
        )}
      </main>
    </DropTarget>
  );
}

export const TITLES = {
  host: 'Host',
  execution: 'Execution',
  finding: 'Finding',
  playground: 'Playground',
  entry: 'Entry inspector',
} as const;

function View({ name, route }: { readonly name: ViewName; readonly route: Route }) {
  const Shown = useView(name);
  return Shown === undefined ? <div className="waiting" /> : <Shown route={route} />;
}

/** The frame: what is open, where one is, and the view. */
import { lazy, Suspense, useEffect } from 'react';
import { parseRoute, type Route, useHash } from './route.ts';
import { openSession } from './session.ts';
import { StartView } from './start.tsx';
import { useStore } from './store.ts';
import { DropTarget } from './ui/drop.tsx';
import { Notices } from './ui/notices.tsx';
import { TopBar } from './ui/top_bar.tsx';

const HostView = lazy(async () => ({ default: (await import('./host/host_view.tsx')).HostView }));
const FindingView = lazy(async () => ({
  default: (await import('./finding/finding_view.tsx')).FindingView,
}));
const PlaygroundView = lazy(async () => ({
  default: (await import('./playground/playground_view.tsx')).PlaygroundView,
}));
const EntryView = lazy(async () => ({
  default: (await import('./entry/entry_view.tsx')).EntryView,
}));
const ExecutionView = lazy(async () => ({
  default: (await import('./execution/execution_view.tsx')).ExecutionView,
}));

export function App() {
  const route = parseRoute(useHash());
  const { host } = useStore();
  useEffect(() => {
    void openSession();
  }, []);
  useEffect(() => {
    const name = route.view === 'start' ? '' : `${TITLES[route.view]} · `;
    document.title = `${name}${host?.report.hostname ?? ''} ptshare`;
  }, [route.view, host]);
  return (
    <DropTarget>
      <TopBar route={route} />
      <Notices />
      <main id="main" tabIndex={-1}>
        <Suspense fallback={<div className="waiting" />}>
          <View route={route} />
        </Suspense>
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

function View({ route }: { readonly route: Route }) {
  switch (route.view) {
    case 'host':
      return <HostView />;
    case 'finding':
      return <FindingView route={route} />;
    case 'playground':
      return <PlaygroundView route={route} />;
    case 'entry':
      return <EntryView route={route} />;
    case 'execution':
      return <ExecutionView route={route} />;
    default:
      return <StartView />;
  }
}

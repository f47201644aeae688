/** What the engine has done: timeline, trees, TLBs, locks, frames, at any event. */
import { useEffect } from 'react';
import type { OpenedExecution } from '../protocol.ts';
import { goTo, linkTo, type Route } from '../route.ts';
import { useStore } from '../store.ts';
import { Empty } from '../ui/empty.tsx';
import { Player } from './player.tsx';

export function ExecutionView({ route }: { readonly route: Route }) {
  const { execution } = useStore();
  if (execution !== undefined) return <OpenExecution execution={execution} route={route} />;
  return (
    <Empty
      title="No trace is open"
      commands={[
        'ptshare run examples/run/fork.txt --trace fork.ptt && ptshare view fork.ptt',
        'ptshare check C1 --on --trace c1.ptt && ptshare view c1.ptt',
      ]}
    >
      Record one, or run something in the <a href={linkTo('playground')}>playground</a>.
    </Empty>
  );
}

interface OpenExecutionProps {
  readonly execution: OpenedExecution;
  readonly route: Route;
}

function OpenExecution({ execution, route }: OpenExecutionProps) {
  const wanted = Number(route.parameters.get('at') ?? 0);
  const { busy } = useStore();
  const { events, dropped, violation } = execution.timeline;
  useEffect(() => {
    document.getElementById('main')?.focus();
  }, []);
  if (events === 0) {
    return (
      <Empty title="This trace is empty">
        Nothing was told to it. Record another one, of a script that does something.
      </Empty>
    );
  }
  return (
    <div className="execution">
      <h1 className="visually-hidden">Execution: {execution.name}</h1>
      <Player
        key={execution.id}
        execution={execution}
        begin={Number.isInteger(wanted) ? Math.min(Math.max(wanted, 0), events - 1) : 0}
        onSettle={(at) => goTo(linkTo('execution', [], { at: String(at) }), true)}
        jumps={violation >= 0 ? [{ label: 'Violation', event: violation, key: 'v' }] : []}
      />
      {execution.share < 1 && busy === undefined && (
        <p className="caveat">What follows could not be read.</p>
      )}
      {dropped > 0 && (
        <p className="caveat">The trace was full: {dropped} events at its end are missing.</p>
      )}
    </div>
  );
}

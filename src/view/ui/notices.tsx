/** What went wrong, and what to do about it. */
import { store, useStore } from '../store.ts';

export function Notices() {
  const { problem, busy } = useStore();
  return (
    <>
      <div className="visually-hidden" role="status">
        {busy}
      </div>
      {problem !== undefined && (
        <div className="problem" role="alert">
          <strong>{problem.message}</strong>
          {problem.mend !== '' && <span>{problem.mend}</span>}
          <button type="button" onClick={() => store.set({ problem: undefined })}>
            Dismiss
          </button>
        </div>
      )}
    </>
  );
}

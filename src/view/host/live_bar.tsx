/** The host over the session: paused or not, and how its tables have grown. */
import { formatBytes, formatTime } from '../../report/quantity.ts';
import { type Live, togglePause } from '../live.ts';
import { store } from '../store.ts';

const WIDTH = 600;
const HEIGHT = 34;

export function LiveBar({ live }: { readonly live: Live }) {
  const { seconds, isPaused, samples, failure } = live;
  const last = samples.at(-1);
  return (
    <section className="live" aria-label="Live">
      <button type="button" aria-pressed={isPaused} onClick={togglePause}>
        {isPaused ? 'Go on' : 'Pause'}
      </button>
      <button
        type="button"
        title="Keeps this capture, and compares each that follows with it"
        onClick={() => store.compareWith(store.state.host)}
      >
        Compare from here on
      </button>
      <span>
        {failure !== undefined ? (
          <b className="caveat">ended: {failure}</b>
        ) : (
          <>
            every {seconds} s · {samples.length} captures
            {last !== undefined && ` · last ${formatTime(last.takenAt)}`}
          </>
        )}
      </span>
      <Sparkline samples={samples} />
    </section>
  );
}

function Sparkline({ samples }: Pick<Live, 'samples'>) {
  const values = samples.map(({ reportedBytes }) => reportedBytes);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const xOf = (at: number): number => (at / Math.max(samples.length - 1, 1)) * WIDTH;
  const yOf = (value: number): number =>
    high === low ? HEIGHT / 2 : HEIGHT - 3 - ((value - low) / (high - low)) * (HEIGHT - 6);
  if (samples.length < 2) return null;
  return (
    <svg
      className="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`Page tables from ${formatBytes(low)} to ${formatBytes(high)}`}
    >
      <title>{`Page tables from ${formatBytes(low)} to ${formatBytes(high)}`}</title>
      <polyline points={values.map((value, at) => `${xOf(at)},${yOf(value)}`).join(' ')} />
    </svg>
  );
}

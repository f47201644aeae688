/** A host that is followed: reports come from the server, one after the other. */
import type { HostReport } from '../report/schema.ts';
import { store } from './store.ts';

/** A moment of the session. */
export interface Sample {
  readonly takenAt: string;
  /** `PageTables` of /proc/meminfo. */
  readonly reportedBytes: number;
  /** What exists in several processes, entry for entry. */
  readonly repeatedBytes: number;
}

export interface Live {
  readonly seconds: number;
  readonly isPaused: boolean;
  /** Since the page was opened, the oldest first. */
  readonly samples: readonly Sample[];
  /** Why it does not go on, if it does not. */
  readonly failure: string | undefined;
}

/** An hour, every second. */
const SAMPLES_MAX = 3600;

let source: EventSource | undefined;

export function followHost(seconds: number): void {
  if (source !== undefined) return;
  store.set({ live: { seconds, isPaused: false, samples: [], failure: undefined } });
  source = new EventSource('./live');
  source.onmessage = ({ data }: MessageEvent<string>) => void receive(data);
  source.addEventListener('failure', ({ data }: MessageEvent<string>) => stop(data));
  source.onerror = () => stop('the server is gone');
}

export function togglePause(): void {
  const { live } = store.state;
  if (live !== undefined) store.set({ live: { ...live, isPaused: !live.isPaused } });
}

async function receive(data: string): Promise<void> {
  const { live, host, before } = store.state;
  if (live === undefined || live.isPaused) return;
  const source = new Blob([data]);
  const ask = { name: 'this host, live', size: source.size, source };
  const opened = await store.client.ask('open', ask);
  if (opened.kind !== 'host') return;
  const samples = [...live.samples, sampleOf(opened.report)].slice(-SAMPLES_MAX);
  store.set({ live: { ...live, samples } });
  store.showLive(opened);
  if (host !== undefined && host.id !== before?.id) {
    void store.client.ask('close', { id: host.id });
  }
}

function stop(failure: string): void {
  source?.close();
  const { live } = store.state;
  if (live !== undefined) store.set({ live: { ...live, failure } });
}

function sampleOf({ takenAt, pageTables, designs }: HostReport): Sample {
  const repeatedBytes = designs.find(({ id }) => id === 'identical')?.savesBytes ?? 0;
  return { takenAt, reportedBytes: pageTables.reportedBytes, repeatedBytes };
}

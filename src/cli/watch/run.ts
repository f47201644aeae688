/** What `ptshare watch` does: looks, records, tells, serves. */
import { loadExchange } from '../../dataset/exchange.ts';
import { History, HistoryInUse } from '../../dataset/history.ts';
import { Metrics } from '../../watch/metrics.ts';
import { type Address, serveMetrics } from '../../watch/server.ts';
import { type Cost, type Look, watch } from '../../watch/watch.ts';
import { ExitCode, Failure, fileFailure, wrongUse } from '../failure.ts';
import { stopOnSignals } from '../signals.ts';
import { print } from '../stdout.ts';
import { readVersion } from '../version.ts';
import type { WatchCommandOptions } from './options.ts';
import { costSentence, jsonLine, textLines } from './text.ts';
import { readToken } from './token.ts';

export async function runWatch(options: WatchCommandOptions): Promise<ExitCode> {
  if (process.platform !== 'linux') {
    throw new Failure(
      ExitCode.CANNOT_RUN,
      `Cannot watch this host: page tables are read from /proc of Linux, and this is ${process.platform}`,
      'Read histories of Linux hosts with `ptshare fleet`',
    );
  }
  const abort = new AbortController();
  const endBySignal = stopOnSignals(() => abort.abort());
  const session = new Session(options);
  try {
    await session.start();
    await watch(
      {
        everySeconds: options.every,
        cpuShare: options.cpu / 100,
        budgetSeconds: options.budget,
        samples: options.samples,
        thresholds: options.threshold ?? [],
        signal: abort.signal,
      },
      session,
    );
  } finally {
    session.end();
  }
  endBySignal();
  return session.isRaised ? ExitCode.FINDING : ExitCode.FINE;
}

const STORE_MEND = 'Pass a folder that you can write to, or free some space';

class Session {
  readonly #options: WatchCommandOptions;
  readonly #metrics: Metrics;
  #history: History | undefined;
  #server: Awaited<ReturnType<typeof serveMetrics>> | undefined;
  #samples = 0;
  #cost: Cost | undefined;
  #isLate = false;
  isRaised = false;

  constructor(options: WatchCommandOptions) {
    this.#options = options;
    const thresholds = (options.threshold ?? []).map(({ text }) => text);
    this.#metrics = new Metrics(readVersion(), options.top, thresholds);
  }

  /** Listens, so that a port that is taken is found out at once. */
  async start(): Promise<void> {
    const { listen, tokenFile } = this.#options;
    if (listen === undefined && tokenFile !== undefined) {
      throw wrongUse('Cannot ask for a token: nothing is served', 'Add --listen 127.0.0.1:9469');
    }
    if (listen === undefined) return;
    const text = (): Promise<string> | undefined =>
      this.#samples === 0 ? undefined : this.#metrics.text();
    const token = tokenFile === undefined ? undefined : await readToken(tokenFile);
    this.#server = await serveMetrics(listen, { text, token }).catch((error: unknown) => {
      throw listenFailure(listen, error);
    });
    const address = this.#server.address();
    const port = typeof address === 'object' ? address?.port : listen.port;
    process.stderr.write(`Metrics: http://${hostPart(listen)}:${port}/metrics\n`);
  }

  end(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#history?.close();
    if (this.#cost !== undefined && !this.#options.json) {
      process.stderr.write(`${costSentence(this.#samples, this.#cost)}\n`);
    }
  }

  async onLook(look: Look): Promise<void> {
    await this.#record(look);
    this.#metrics.update(look);
    const isFirst = this.#samples++ === 0;
    this.#cost = look.cost;
    this.isRaised = look.raised.length > 0;
    await print(this.#options.json ? jsonLine(look) : textLines(look, isFirst));
  }

  onWait(seconds: number, isLate: boolean): void {
    if (isLate && !this.#isLate) {
      const { cpu, every } = this.#options;
      const { sampleCpuSeconds } = this.#cost!;
      process.stderr.write(
        `The next sample comes in ${seconds.toFixed(0)} s instead of ${every} s, to stay below ${cpu}% of a CPU: ` +
          `the last one took ${sampleCpuSeconds.toFixed(2)} s of it\n`,
      );
    }
    this.#isLate = isLate;
  }

  async #record({ sample }: Look): Promise<void> {
    const { store, keep, disk } = this.#options;
    if (store === undefined) return;
    try {
      this.#history ??= await History.open({
        root: store,
        hostname: sample.hostname,
        days: keep,
        bytes: disk,
        exchange: loadExchange(),
      });
      await this.#history.add(sample);
    } catch (error) {
      if (error instanceof HistoryInUse) {
        throw wrongUse(
          `Cannot record in ${store}: ${error.message}`,
          'End it, or use another folder',
        );
      }
      throw fileFailure(`record in ${store}`, error, STORE_MEND);
    }
  }
}

function hostPart({ host }: Address): string {
  return host.includes(':') ? `[${host}]` : host;
}

function listenFailure(address: Address, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another program listens there',
    EACCES: 'permission denied',
    EADDRNOTAVAIL: 'this machine has no such address',
  };
  const reason = reasons[String(code)];
  if (reason === undefined) return error;
  return wrongUse(
    `Cannot listen at ${hostPart(address)}:${address.port}: ${reason}`,
    'Pass another port to --listen',
  );
}

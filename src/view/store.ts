/** What is open, and what the server offers: one store for all views. */
import { useSyncExternalStore } from 'react';
import { Client, WorkerFailure } from './client.ts';
import type { Live } from './live.ts';
import type { Opened, OpenedExecution, OpenedFindings, OpenedHost } from './protocol.ts';
import { goTo, linkTo, parseRoute } from './route.ts';

export interface Problem {
  readonly message: string;
  readonly mend: string;
}

export interface State {
  readonly host: OpenedHost | undefined;
  /** To compare the host with. */
  readonly before: OpenedHost | undefined;
  readonly execution: OpenedExecution | undefined;
  readonly findings: OpenedFindings | undefined;
  readonly live: Live | undefined;
  /** What is under way, in words. */
  readonly busy: string | undefined;
  readonly problem: Problem | undefined;
}

class Store {
  readonly client = new Client();
  state: State = {
    host: undefined,
    before: undefined,
    execution: undefined,
    findings: undefined,
    live: undefined,
    busy: undefined,
    problem: undefined,
  };
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.#listeners) listener();
  }

  /** Opens a file, and goes where it is shown. */
  async openFile(file: File, as: 'document' | 'before' = 'document'): Promise<void> {
    await this.open(file.name, file.size, file, as);
  }

  async open(
    name: string,
    size: number,
    source: Blob | string,
    as: 'document' | 'before' = 'document',
  ): Promise<void> {
    await this.attempt(`Reading ${name}`, async () => {
      const opened = await this.client.ask('open', { name, size, source });
      this.#show(opened, as);
      if (opened.kind === 'execution') await this.#readOn(opened);
    });
  }

  /** Reads a long trace to its end, unless another one is opened meanwhile. */
  async #readOn({ id, name, share }: OpenedExecution): Promise<void> {
    // A view that opens now asks for what it draws.
    await this.client.asked();
    await this.client.quiet();
    await this.client.painted();
    for (let read = share; read < 1; ) {
      await this.client.quiet();
      this.set({ busy: `Reading ${name}: ${Math.floor(100 * read)} %` });
      const grown = await this.client.ask('grow', { id });
      const { execution } = this.state;
      if (execution?.id !== id) return;
      const timeline = grown.timeline ?? execution.timeline;
      this.set({ execution: { ...execution, timeline, share: grown.share } });
      read = grown.share;
    }
  }

  /** Does something that may fail, and says so where everybody sees it. */
  async attempt(busy: string, work: () => Promise<void>): Promise<void> {
    this.set({ busy, problem: undefined });
    try {
      await work();
    } catch (error) {
      this.tell(error);
    } finally {
      this.set({ busy: undefined });
    }
  }

  /** Says what went wrong where everybody sees it. */
  tell(error: unknown): void {
    const mend = error instanceof WorkerFailure ? error.mend : 'Try it again';
    const message = error instanceof Error ? error.message : String(error);
    this.set({ problem: { message, mend } });
  }

  /** Compares with another time, or with none any longer. */
  compareWith(before: OpenedHost | undefined): void {
    const { before: last, host } = this.state;
    this.set({ before });
    const isKept = last === undefined || last.id === host?.id || last.id === before?.id;
    if (!isKept) void this.client.ask('close', { id: last.id });
  }

  /** The host as it is now: where one is, and what one compares with, stays. */
  showLive(host: OpenedHost): void {
    const isFirst = this.state.host === undefined;
    this.set({ host });
    if (isFirst && parseRoute(location.hash).view === 'start') goTo(linkTo('host'));
  }

  #show(opened: Opened, as: 'document' | 'before'): void {
    if (opened.kind === 'execution') this.set({ execution: opened });
    else if (opened.kind === 'finding') this.set({ findings: opened });
    else if (as === 'before') this.compareWith(opened);
    else this.set({ host: opened, before: undefined });
    const { view } = parseRoute(location.hash);
    // A finding that was named before stays only if its file is opened again.
    if (view !== opened.kind || view === 'finding') goTo(linkTo(opened.kind));
  }
}

export const store = new Store();

export function useStore(): State {
  return useSyncExternalStore(store.subscribe, () => store.state);
}

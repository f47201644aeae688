/**
 * The worker: the only part of the viewer that runs anything of ptshare but formats. It opens files,
 * runs the engine, and answers with data to draw.
 */
import { checkSize, isTrace } from '../document/beginning.ts';
import type { Document } from '../document/documents.ts';
import { explainFailure } from '../document/explain_failure.ts';
import type { HostDocument } from '../document/host.ts';
import { type PackedPicture, pack } from '../scene/packed.ts';
import { Scene } from '../scene/scene.ts';
import type { FoundEntry } from '../scene/story.ts';
import { buffersOf, type Timeline } from '../scene/timeline.ts';
import { TraceDecoder, TraceWriter } from '../trace/index.ts';
import { ArrivalError, type Arriving, arriving } from './arriving.ts';
import type {
  CallName,
  Calls,
  Grown,
  Opened,
  OpenedExecution,
  Reply,
  Request,
} from './protocol.ts';

type Say = (text: string) => void;
type Handlers = {
  readonly [Name in CallName]: (
    ask: Calls[Name]['ask'],
    say: Say,
  ) => Calls[Name]['answer'] | Promise<Calls[Name]['answer']>;
};

/** How often a search says how far it is. */
const SAY_MS = 100;
/** 64 MiB of what a script does. */
const CHUNKS_MAX = 64;
/** How long a trace is read between other questions: those that draw something wait no longer. */
const READ_MS = 25;
/** So many bytes say what a file is. */
const MAGIC_BYTES = 8;
/** A timeline is sent again when there is so much more of it: all of them together cost twice the last. */
const GROWTH = 2;

const hosts = new Map<number, HostDocument>();
const scenes = new Map<number, Scene>();
/** Events of the timeline that was sent last, of traces that are still read. */
const sent = new Map<number, number>();
/** Of traces whose files still arrive. */
const incoming = new Map<number, Incoming>();
/** Those of which states between are prepared. */
const preparing = new Set<number>();
let opened = 0;

const HANDLERS: Handlers = {
  open: ({ name, size, source }) => open(name, size, source),
  grow: ({ id }) => grow(id, sceneOf(id)),
  close: ({ id }) => {
    hosts.delete(id);
    scenes.delete(id);
    sent.delete(id);
    incoming.delete(id);
    preparing.delete(id);
    return null;
  },
  compare: ({ before, after }) => hostOf(after).compareWith(hostOf(before)),
  strip: ({ id, pid }) => hostOf(id).strip(pid) ?? null,
  picture: ({ id, event }) => {
    const picture = sceneOf(id).picture(event);
    // Not sooner: whoever waits for the first picture needs all that the machine has.
    prepare(id);
    return pack(picture);
  },
  lines: ({ id, first, count }) => sceneOf(id).lines(first, count),
  search: ({ id, text, from, isForward }) => sceneOf(id).search(text, from, isForward),
  story: async ({ source, schedule }) => {
    const { tellStory } = await stories();
    const { story, broken, fixed } = tellStory(source, schedule);
    const name = story.telling.id;
    return {
      story,
      broken: keepScene(`${name}, with the mistake`, broken),
      fixed: fixed && keepScene(`${name}, without it`, fixed),
    };
  },
  explore: async ({ source, isBroken, executionsMax }, say) => {
    const { searchFor } = await stories();
    const begun = performance.now();
    let saidAt = begun;
    const outcome = searchFor(source, {
      isBroken,
      executionsMax,
      onProgress: (executions, deepest) => {
        if (performance.now() - saidAt < SAY_MS) return;
        saidAt = performance.now();
        say(`${executions} executions, up to ${deepest} steps`);
      },
    });
    return { ...outcome, seconds: (performance.now() - begun) / 1000 };
  },
  run: async ({ source }) => {
    const { runScript } = await import('../race/race.ts');
    const writer = new TraceWriter({
      clock: 'steps',
      format: source.format,
      chunksMax: CHUNKS_MAX,
    });
    runScript(source, writer);
    return keepScene('the script', new Scene(writer.trace()));
  },
  zoo: async () => (await stories()).zooItems(),
  designs: async () => (await import('../race/designs.ts')).designItems(),
};

/** The engine: who only looks at files need not wait until it is there. */
function stories() {
  return import('../document/story.ts');
}

/** A trace of which a part may be on its way. */
interface Incoming {
  readonly file: Arriving;
  readonly decoder: TraceDecoder;
}

async function open(name: string, size: number, source: Blob | string): Promise<Opened> {
  checkSize(name, size);
  const file = await arriving(source, size);
  await file.until(MAGIC_BYTES);
  if (isTrace(file.bytes)) {
    const decoder = await beginTrace(file);
    return keepScene(name, new Scene(decoder.trace, decoder), { file, decoder });
  }
  await file.until(size);
  const { readDocument } = await import('../document/documents.ts');
  return keep(name, readDocument(name, file.bytes));
}

/** Waits for the first block of a trace, tried anew whenever twice as much is there. */
async function beginTrace(file: Arriving): Promise<TraceDecoder> {
  for (;;) {
    const { count } = file;
    const decoder = TraceDecoder.begin(file.bytes, count);
    if (decoder?.next() === true || decoder?.isDone === true) return decoder;
    await file.until(2 * count);
  }
}

function keep(name: string, document: Document): Opened {
  if (document instanceof Scene) return keepScene(name, document);
  const id = opened++;
  if ('entries' in document) return { kind: 'finding', id, name, entries: document.entries };
  hosts.set(id, document);
  return { kind: 'host', id, name, report: document.report, spaces: document.spaces };
}

function keepScene(name: string, scene: Scene, from?: Incoming): OpenedExecution {
  const id = opened++;
  scenes.set(id, scene);
  if (from !== undefined) incoming.set(id, from);
  return { kind: 'execution', id, name, timeline: timelineOf(id, scene), share: scene.share };
}

async function grow(id: number, scene: Scene): Promise<Grown> {
  await readOn(scene, incoming.get(id));
  prepare(id);
  const { share, events } = scene;
  const isDue = share === 1 || events >= GROWTH * (sent.get(id) ?? 0);
  return { share, timeline: isDue ? timelineOf(id, scene) : null };
}

async function readOn(scene: Scene, from: Incoming | undefined): Promise<void> {
  if (from !== undefined) await arrive(from);
  const end = performance.now() + READ_MS;
  while (performance.now() < end && scene.read());
}

/** Takes over what has come meanwhile; waits if nothing has. */
async function arrive({ file, decoder }: Incoming): Promise<void> {
  file.flow();
  if (decoder.arrived === file.bytes.length) return;
  await file.until(decoder.arrived + 1);
  decoder.arrive(file.count);
}

function timelineOf(id: number, scene: Scene): Timeline {
  sent.set(id, scene.events);
  return scene.timeline();
}

/** Between questions, as long as the scene is open. */
function prepare(id: number): void {
  if (preparing.has(id)) return;
  preparing.add(id);
  setTimeout(() => {
    preparing.delete(id);
    try {
      if (scenes.get(id)?.prepare() === true) prepare(id);
    } catch {
      // What cannot be shown is said when it is asked for.
    }
  });
}

/** What need not be copied on its way. */
function buffersIn(message: Reply): ArrayBuffer[] {
  if (message.kind !== 'answer') return [];
  const { timeline, entries } = (message.answer ?? {}) as {
    readonly timeline?: Timeline | null;
    readonly entries?: PackedPicture['entries'] | readonly FoundEntry[];
  };
  if (entries instanceof Float64Array) return [entries.buffer];
  return timeline ? buffersOf(timeline) : [];
}

function hostOf(id: number): HostDocument {
  const host = hosts.get(id);
  if (host !== undefined) return host;
  throw new Error('the host was closed');
}

function sceneOf(id: number): Scene {
  const scene = scenes.get(id);
  if (scene !== undefined) return scene;
  throw new Error('the trace was closed');
}

self.onmessage = async ({ data }: MessageEvent<Request>) => {
  const { number, name, ask } = data;
  const reply = (message: Reply): void =>
    self.postMessage(message, { transfer: buffersIn(message) });
  try {
    const handler = HANDLERS[name] as (ask: unknown, say: Say) => unknown;
    const answer = await handler(ask, (text) => reply({ number, kind: 'progress', text }));
    reply({ number, kind: 'answer', answer });
  } catch (error) {
    const { message, mend } = error instanceof ArrivalError ? error : explainFailure(error);
    reply({ number, kind: 'failure', message, mend });
  }
};

/**
 * The worker: the only part of the viewer that runs anything of ptshare but formats. It opens files,
 * runs the engine, and answers with data to draw.
 */
import { designItems } from '../document/designs.ts';
import { type Document, explainFailure, readDocument } from '../document/documents.ts';
import { Findings } from '../document/findings.ts';
import { HostDocument } from '../document/host.ts';
import { runScript } from '../document/race.ts';
import { searchFor, tellStory, zooItems } from '../document/story.ts';
import { Scene } from '../scene/scene.ts';
import { buffersOf, type Timeline } from '../scene/timeline.ts';
import { TraceWriter } from '../trace/index.ts';
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
  readonly [Name in CallName]: (ask: Calls[Name]['ask'], say: Say) => Calls[Name]['answer'];
};

/** How often a search says how far it is. */
const SAY_MS = 100;
/** 64 MiB of what a script does. */
const CHUNKS_MAX = 64;
/** How long a trace is read before its beginning is shown, and between other questions. */
const READ_MS = 120;
/** A timeline is sent again when there is so much more of it: all of them together cost twice the last. */
const GROWTH = 2;

const documents = new Map<number, Document>();
/** Events of the timeline that was sent last, of traces that are still read. */
const sent = new Map<number, number>();
let opened = 0;

const HANDLERS: Handlers = {
  open: ({ name, bytes }) => keep(name, readDocument(name, bytes)),
  grow: ({ id }) => grow(id, sceneOf(id)),
  close: ({ id }) => {
    documents.delete(id);
    sent.delete(id);
    return null;
  },
  compare: ({ before, after }) => hostOf(after).compareWith(hostOf(before)),
  strip: ({ id, pid }) => hostOf(id).strip(pid) ?? null,
  picture: ({ id, event }) => sceneOf(id).picture(event),
  lines: ({ id, first, count }) => sceneOf(id).lines(first, count),
  search: ({ id, text, from, isForward }) => sceneOf(id).search(text, from, isForward),
  story: ({ source, schedule }) => {
    const { story, broken, fixed } = tellStory(source, schedule);
    const name = story.telling.id;
    return {
      story,
      broken: keepScene(`${name}, with the mistake`, broken),
      fixed: fixed && keepScene(`${name}, without it`, fixed),
    };
  },
  explore: ({ source, isBroken, executionsMax }, say) => {
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
  run: ({ source }) => {
    const writer = new TraceWriter({
      clock: 'steps',
      format: source.format,
      chunksMax: CHUNKS_MAX,
    });
    runScript(source, writer);
    return keepScene('the script', new Scene(writer.trace()));
  },
  zoo: () => zooItems(),
  designs: () => designItems(),
};

function keep(name: string, document: Document): Opened {
  if (document instanceof Scene) return keepScene(name, document);
  const id = opened++;
  documents.set(id, document);
  if (document instanceof Findings) return { kind: 'finding', id, name, entries: document.entries };
  return { kind: 'host', id, name, report: document.report, spaces: document.spaces };
}

function keepScene(name: string, scene: Scene): OpenedExecution {
  const id = opened++;
  documents.set(id, scene);
  readOn(scene);
  prepare(id);
  return { kind: 'execution', id, name, timeline: timelineOf(id, scene), share: scene.share };
}

function grow(id: number, scene: Scene): Grown {
  readOn(scene);
  prepare(id);
  const { share, events } = scene;
  const isDue = share === 1 || events >= GROWTH * (sent.get(id) ?? 0);
  return { share, timeline: isDue ? timelineOf(id, scene) : null };
}

function readOn(scene: Scene): void {
  const end = performance.now() + READ_MS;
  while (performance.now() < end && scene.read());
}

function timelineOf(id: number, scene: Scene): Timeline {
  sent.set(id, scene.events);
  return scene.timeline();
}

/** Between questions, as long as the scene is open. */
function prepare(id: number): void {
  setTimeout(() => {
    const scene = documents.get(id);
    try {
      if (scene instanceof Scene && scene.prepare()) prepare(id);
    } catch {
      // What cannot be shown is said when it is asked for.
    }
  });
}

/** What need not be copied on its way. */
function buffersIn(message: Reply): ArrayBuffer[] {
  if (message.kind !== 'answer') return [];
  const { timeline } = (message.answer ?? {}) as { readonly timeline?: Timeline | null };
  return timeline ? buffersOf(timeline) : [];
}

function hostOf(id: number): HostDocument {
  const document = documents.get(id);
  if (document instanceof HostDocument) return document;
  throw new Error('the host was closed');
}

function sceneOf(id: number): Scene {
  const document = documents.get(id);
  if (document instanceof Scene) return document;
  throw new Error('the trace was closed');
}

self.onmessage = ({ data }: MessageEvent<Request>) => {
  const { number, name, ask } = data;
  const reply = (message: Reply): void =>
    self.postMessage(message, { transfer: buffersIn(message) });
  try {
    const handler = HANDLERS[name] as (ask: unknown, say: Say) => unknown;
    const answer = handler(ask, (text) => reply({ number, kind: 'progress', text }));
    reply({ number, kind: 'answer', answer });
  } catch (error) {
    reply({ number, kind: 'failure', ...explainFailure(error) });
  }
};

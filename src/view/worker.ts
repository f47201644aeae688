/**
 * The worker: the only part of the viewer that runs anything of ptshare but formats. It opens files,
 * runs the engine, and answers with data to draw.
 */
import { type Document, explainFailure, readDocument } from '../document/documents.ts';
import { HostDocument } from '../document/host.ts';
import { Scene } from '../scene/scene.ts';
import type { CallName, Calls, Opened, Reply, Request } from './protocol.ts';

type Say = (text: string) => void;
type Handlers = {
  readonly [Name in CallName]: (ask: Calls[Name]['ask'], say: Say) => Calls[Name]['answer'];
};

const documents = new Map<number, Document>();
let opened = 0;

const HANDLERS: Handlers = {
  open: ({ name, bytes }) => keep(name, readDocument(name, bytes)),
  close: ({ id }) => {
    documents.delete(id);
    return null;
  },
  compare: ({ before, after }) => hostOf(after).compareWith(hostOf(before)),
  strip: ({ id, pid }) => hostOf(id).strip(pid) ?? null,
  picture: ({ id, event }) => sceneOf(id).picture(event),
  lines: ({ id, first, count }) => sceneOf(id).lines(first, count),
  search: ({ id, text, from, isForward }) => sceneOf(id).search(text, from, isForward),
};

function keep(name: string, document: Document): Opened {
  const id = opened++;
  documents.set(id, document);
  if (document instanceof HostDocument) {
    return { kind: 'host', id, name, report: document.report, spaces: document.spaces };
  }
  return { kind: 'execution', id, name, timeline: document.timeline };
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
  const reply = (message: Reply): void => self.postMessage(message);
  try {
    const handler = HANDLERS[name] as (ask: unknown, say: Say) => unknown;
    const answer = handler(ask, (text) => reply({ number, kind: 'progress', text }));
    reply({ number, kind: 'answer', answer });
  } catch (error) {
    reply({ number, kind: 'failure', ...explainFailure(error) });
  }
};

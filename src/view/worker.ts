/**
 * The worker: the only part of the viewer that runs anything of ptshare but formats. It opens files,
 * runs the engine, and answers with data to draw.
 */

import { type Document, explainFailure, readDocument } from '../document/documents.ts';
import type { HostDocument } from '../document/host.ts';
import type { CallName, Calls, Opened, Reply, Request } from './protocol.ts';

type Handlers = {
  readonly [Name in CallName]: (
    ask: Calls[Name]['ask'],
    say: (text: string) => void,
  ) => Calls[Name]['answer'];
};

const documents = new Map<number, Document>();
let opened = 0;

const HANDLERS: Handlers = {
  open: ({ name, bytes }) => keep(name, readDocument(name, bytes)),
  close: ({ id }) => {
    documents.delete(id);
    return null;
  },
  compare: ({ before, after }) => documentOf(after).compareWith(documentOf(before)),
  strip: ({ id, pid }) => documentOf(id).strip(pid) ?? null,
};

function keep(name: string, document: Document): Opened {
  const id = opened++;
  documents.set(id, document);
  return { kind: 'host', id, name, report: document.report, spaces: document.spaces };
}

function documentOf(id: number): HostDocument {
  const document = documents.get(id);
  if (document === undefined) throw new Error('the document was closed');
  return document;
}

self.onmessage = ({ data }: MessageEvent<Request>) => {
  const { number, name, ask } = data;
  const reply = (message: Reply): void => self.postMessage(message);
  try {
    const handler = HANDLERS[name] as (ask: unknown, say: (text: string) => void) => unknown;
    const answer = handler(ask, (text) => reply({ number, kind: 'progress', text }));
    reply({ number, kind: 'answer', answer });
  } catch (error) {
    reply({ number, kind: 'failure', ...explainFailure(error) });
  }
};

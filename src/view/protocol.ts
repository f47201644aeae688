/** What the page asks its worker for, and what it answers. */
import type { Comparison } from '../report/compare/schema.ts';
import type { HostReport } from '../report/schema.ts';
import type { PackedPicture } from '../scene/packed.ts';
import type { EventLine } from '../scene/scene.ts';
import type { FoundEntry, Story, StorySource } from '../scene/story.ts';
import type { Strip } from '../scene/strip.ts';
import type { Timeline } from '../scene/timeline.ts';

export interface OpenedHost {
  readonly kind: 'host';
  readonly id: number;
  readonly name: string;
  readonly report: HostReport;
  /** Processes whose address space can be asked for. */
  readonly spaces: readonly number[];
}

export interface OpenedExecution {
  readonly kind: 'execution';
  readonly id: number;
  readonly name: string;
  /** Of what has been read. */
  readonly timeline: Timeline;
  /** How much of the trace that is, from 0 to 1. */
  readonly share: number;
}

/** More of a trace. */
export interface Grown {
  readonly share: number;
  /** Null while there is not much more than there was. */
  readonly timeline: Timeline | null;
}

export interface OpenedFindings {
  readonly kind: 'finding';
  readonly id: number;
  readonly name: string;
  readonly entries: readonly FoundEntry[];
}

/** What a file turned out to be. The worker keeps the rest of it under `id`. */
export type Opened = OpenedHost | OpenedExecution | OpenedFindings;

/** A story, and its runs to step through. */
export interface OpenedStory {
  readonly story: Story;
  readonly broken: OpenedExecution;
  readonly fixed: OpenedExecution | undefined;
}

/** What came of a search in the browser. */
export interface Explored {
  readonly executions: number;
  readonly blocked: number;
  readonly deepest: number;
  readonly isComplete: boolean;
  readonly property: string | undefined;
  readonly schedule: string | undefined;
  readonly seconds: number;
}

/** A bug of the zoo. */
export interface ZooItem {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly title: string;
  /** Its switch. */
  readonly bug: string;
}

/** A design of shared page tables. */
export interface DesignItem {
  readonly id: string;
  readonly title: string;
}

export type RaceText = Extract<StorySource, { kind: 'race' }>;

/** By name: what goes there, and what comes back. */
export interface Calls {
  /** `source` is a file, or an address on the server of the page. */
  open: {
    ask: { readonly name: string; readonly size: number; readonly source: Blob | string };
    answer: Opened;
  };
  /** Reads on in a trace for a moment. */
  grow: { ask: { readonly id: number }; answer: Grown };
  close: { ask: { readonly id: number }; answer: null };
  compare: { ask: { readonly before: number; readonly after: number }; answer: Comparison };
  strip: { ask: { readonly id: number; readonly pid: number }; answer: Strip | null };
  picture: { ask: { readonly id: number; readonly event: number }; answer: PackedPicture };
  lines: {
    ask: { readonly id: number; readonly first: number; readonly count: number };
    answer: readonly EventLine[];
  };
  story: {
    ask: { readonly source: StorySource; readonly schedule: string | undefined };
    answer: OpenedStory;
  };
  explore: {
    ask: {
      readonly source: StorySource;
      readonly isBroken: boolean;
      readonly executionsMax: number;
    };
    answer: Explored;
  };
  run: { ask: { readonly source: RaceText }; answer: OpenedExecution };
  zoo: { ask: null; answer: readonly ZooItem[] };
  designs: { ask: null; answer: readonly DesignItem[] };
  search: {
    ask: {
      readonly id: number;
      readonly text: string;
      readonly from: number;
      readonly isForward: boolean;
    };
    answer: number;
  };
}
export type CallName = keyof Calls;

export interface Request<Name extends CallName = CallName> {
  readonly number: number;
  readonly name: Name;
  readonly ask: Calls[Name]['ask'];
}

export type Reply =
  | { readonly number: number; readonly kind: 'answer'; readonly answer: unknown }
  | { readonly number: number; readonly kind: 'progress'; readonly text: string }
  | {
      readonly number: number;
      readonly kind: 'failure';
      readonly message: string;
      readonly mend: string;
    };

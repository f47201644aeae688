/** A counterexample as a story: what was violated, in which steps, and how the fixed run goes. */

export interface StoryStep {
  /** Who takes it: `CPU 0: munmap`. */
  readonly actor: string;
  /** A column of the drawing: a CPU with its interrupts, or a thread. */
  readonly lane: string;
  /** What interrupts the program of the CPU: `interrupt`, `RCU callbacks`, or nothing. */
  readonly role: string;
  readonly text: string;
  /** Whether it goes through a translation that is not in the tables any longer. */
  readonly isStale: boolean;
  /** Whether its order with a step of somebody else can make a difference. */
  readonly matters: boolean;
  readonly holds: readonly string[];
  /** The last event of the step in the trace, or -1. */
  readonly event: number;
  /** Of a fixed run: the step of the broken one whose turn it is, or -1. */
  readonly turn: number;
}

export interface StoryRun {
  readonly lanes: readonly string[];
  readonly steps: readonly StoryStep[];
  /** The property that is violated behind the last step, or nothing. */
  readonly property: string | undefined;
}

export interface StoryTelling {
  readonly id: string;
  readonly title: string;
  readonly aliases: readonly string[];
  readonly text: string;
  readonly fix: string | undefined;
  readonly versions: string;
  readonly bounds: string;
}

export interface Story {
  readonly telling: StoryTelling;
  readonly property: string;
  readonly meaning: string | undefined;
  readonly schedule: string;
  readonly broken: StoryRun;
  /** The same turns without the mistake, as far as they can be taken. */
  readonly fixed: StoryRun | undefined;
}

/** What can be told: a bug of the zoo, or a race that was written. */
export type StorySource =
  | { readonly kind: 'zoo'; readonly id: string }
  | {
      readonly kind: 'race';
      readonly text: string;
      readonly format: string;
      readonly bugs: readonly string[];
      readonly design: string;
      readonly cpus: number;
    };

/** A finding in a file. */
export interface FoundEntry {
  readonly id: string;
  readonly property: string;
  readonly schedule: string;
  /** All there is to show of a program of the user's. */
  readonly steps: readonly {
    readonly actor: string;
    readonly does: string;
    readonly holds?: readonly string[] | undefined;
  }[];
  /** What can be run again here: of the zoo, or a race as text. */
  readonly source: StorySource | undefined;
}

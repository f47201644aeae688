/**
 * An entry of the zoo: a real bug, re-created by a switch of one line, and the race that shows it.
 *
 * With the switch on, the explorer must find it as the property that it violates; with it off, the
 * same race must be explored completely and be clean.
 */
import type { MachineScenario } from '../check/index.ts';
import type { Mistakes } from '../designs/index.ts';
import type { Bugs, Property } from '../mm/index.ts';

export interface ZooEntry {
  /** Stable, as on the command line: `B1`, `C1`. */
  readonly id: string;
  /** CVE numbers and the like that it is known by, too. */
  readonly aliases: readonly string[];
  /** What went wrong, in a few words. */
  readonly title: string;
  /** The switch: of the engine, or of the design of 2006; none if it is a variant of a design. */
  readonly bug?: keyof Bugs;
  readonly mistake?: keyof Mistakes;
  /** What is violated: one of these, whichever comes first on the way. */
  readonly properties: readonly (Property | 'deadlock')[];
  /** Who does what: one line for each CPU. */
  readonly actors: readonly string[];
  /** How it went wrong, and what mended it. */
  readonly story: string;
  /** The commit that mended it; `undefined` if there is none, or none is known for certain. */
  readonly fix: string | undefined;
  /** Kernel versions that had it. */
  readonly versions: string;
  /** What the search leaves out, in words: CPUs, processes, operations. */
  readonly bounds: string;
  /** The race, with the mistake or without. Each call makes a machine of its own. */
  scenario(isBroken: boolean): MachineScenario;
}

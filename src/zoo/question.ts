/** An open question of the mailing lists, put so that searches can answer it. */
import type { MachineScenario } from '../check/index.ts';

export interface Question {
  /** Of its page: `docs/questions/ID.md`. */
  readonly id: string;
  readonly title: string;
  /** Who asked, where, and what hangs on it. */
  readonly background: string;
  /** What the searches take for granted. */
  readonly assumptions: readonly string[];
  /** What they leave out: CPUs, processes, operations. */
  readonly bounds: string;
  readonly cases: readonly QuestionCase[];
  /** Of those that are not safe, whose schedule is drawn. */
  readonly drawn: string;
}

export interface QuestionCase {
  /** What is tried: a row. Cases of one name differ in their race. */
  readonly name: string;
  /** Who races whom: a column. */
  readonly race: string;
  scenario(): MachineScenario;
}

/** An open question of the mails, taken apart into races that searches can decide. */
import type { MachineScenario } from '../../check/index.ts';
import type { Property } from '../../mm/index.ts';

/** One race under one rule. */
export interface QuestionCase {
  /** What is tried: a row of the page. */
  readonly rule: string;
  /** Who races whom: a column. */
  readonly race: string;
  /** What a search is said to find by the answer in words; `undefined` if nothing. */
  readonly found: Property | undefined;
  scenario(): MachineScenario;
}

export interface Question {
  /** Stable: the name of its page in docs/questions. */
  readonly id: string;
  readonly title: string;
  /** Who asked, where, and what hangs on it. */
  readonly asked: string;
  /** In words, each paragraph on its own. */
  readonly answer: readonly string[];
  /** What the searches take for granted. */
  readonly assumptions: readonly string[];
  /** How far they go: CPUs, processes, operations. */
  readonly bounds: string;
  readonly cases: readonly QuestionCase[];
  /** Of those that are not safe, the rule whose schedule is drawn. */
  readonly drawn: string;
}

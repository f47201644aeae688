/** An open question of the mails, taken apart into races that a search can decide. */
import type { MachineScenario } from '../../check/index.ts';
import type { Property } from '../../mm/index.ts';

/** One race under one rule. */
export interface QuestionCase {
  readonly rule: string;
  readonly race: string;
  /** What a search has found, as it was last written down; `undefined` if nothing. */
  readonly found: Property | undefined;
  scenario(): MachineScenario;
}

export interface Question {
  /** Stable: the name of its page in docs/questions. */
  readonly id: string;
  readonly title: string;
  /** Who asked, and where. */
  readonly asked: string;
  /** In sentences; each paragraph on its own. */
  readonly answer: readonly string[];
  /** What the model takes for granted, and how far the search goes. */
  readonly assumptions: readonly string[];
  readonly cases: readonly QuestionCase[];
}

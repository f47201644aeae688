/** Rules of the kernel as small programs, to which an engine can be held as well. */
import { constants } from 'node:os';
import { type Program, parseProgram } from '../program.ts';
import type { KernelReport, Outcome, Vma } from '../report.ts';

export interface Rule {
  /** What the program shows, as a sentence. */
  readonly says: string;
  /** For `parseProgram()`. Its last step is the one that counts. */
  readonly program: string;
  /** What becomes of the last step: `EINVAL`, `SIGBUS`, `0x1000`, or `#0` for another's result. */
  readonly result?: string;
  /** The VMAs of process 0 at the end, upwards, each with its size in pages: `rw-p:2 r--s:1`. */
  readonly vmas?: string;
  /** How many page tables process 0 has at the end, without those of the executor. */
  readonly tables?: number;
  /** The pages that the last step, mincore(2), finds, counted from the start of its range: `0 2`. */
  readonly resident?: string;
}

/** What a report shows of a rule, in the words of the rule. */
export function findings(rule: Rule, { initial, outcomes, states }: KernelReport): Rule {
  const end = states.findLast(({ process }) => process === 0)!;
  const program = parseProgram(rule.program);
  const result = formatOutcome(outcomes.at(-1)!);
  return {
    says: rule.says,
    program: rule.program,
    ...(rule.result !== undefined && {
      result: resolve(rule.result, program, outcomes) === result ? rule.result : result,
    }),
    ...(rule.vmas !== undefined && { vmas: formatVmas(end.vmas) }),
    ...(rule.resident !== undefined && { resident: formatResident(outcomes.at(-1)!) }),
    ...(rule.tables !== undefined && { tables: end.counters.VmPTE - initial.counters.VmPTE }),
  };
}

/** The value that `#1-0x1000` stands for; other expectations stand for themselves. */
function resolve(expected: string, { steps }: Program, outcomes: readonly Outcome[]): string {
  const [, id, sign, distance] = /^#(\d+)(?:([+-])(0x[0-9a-f]+))?$/.exec(expected) ?? [];
  const base = outcomes[steps.findIndex((step) => step.id === Number(id))];
  if (base?.kind !== 'returned') return expected;
  return hex(base.value + Number(distance ?? 0) * (sign === '-' ? -1 : 1));
}

function formatOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'returned':
      return hex(outcome.value);
    case 'failed':
      return nameOf(constants.errno, outcome.errno);
    case 'signalled':
      return nameOf(constants.signals, outcome.signal);
    case 'not run':
      return outcome.kind;
  }
}

function formatResident(outcome: Outcome): string {
  if (outcome.kind !== 'returned' || outcome.resident === undefined) return formatOutcome(outcome);
  return outcome.resident.join(' ');
}

const hex = (value: number): string => (value === 0 ? '0' : `0x${value.toString(16)}`);

function nameOf(names: object, wanted: number): string {
  return Object.entries(names).find(([, value]) => value === wanted)?.[0] ?? String(wanted);
}

function formatVmas(vmas: readonly Vma[]): string {
  return vmas
    .map(({ start, end, protection, shared }) => {
      const rights = [1, 2, 4].map((bit, index) => (protection & bit ? 'rwx'[index] : '-'));
      return `${rights.join('')}${shared ? 's' : 'p'}:${end - start}`;
    })
    .join(' ');
}

/** Scenarios that are modules: what they get, and how they are run. */
import type * as engine from '../mm/index.ts';
import { Alone } from './alone.ts';
import { CALLS, type CallName } from './calls/index.ts';
import { type ConstantName, constantNames, constantOf } from './constants.ts';
import type { Value } from './language/evaluate.ts';
import type { Engine } from './machine.ts';
import { ScriptError } from './script_error.ts';
import type { Session } from './session.ts';

/** A call as in a script: it is checked, performed and printed in the same way. */
export type Call = (...values: readonly (number | bigint | string)[]) => number;

/** The engine as its blanked build has it: operations return what they come to. */
export type BlankedEngine = { readonly [Name in keyof Engine]: Blanked<Engine[Name]> };
type Blanked<Part> = Part extends (
  ...values: infer Values
) => Generator<engine.Point, infer Result, void>
  ? (...values: Values) => Result
  : Part;

/** @typeParam Build `Engine`, the canonical build, for generators */
export interface ScenarioContext<Build = BlankedEngine> {
  readonly mm: Build;
  readonly machine: engine.Machine;
  /** The first process. */
  readonly task: engine.Task;
  /** All calls of a script, by name; as a program sees them, -1 for those that fail. */
  readonly calls: Readonly<Record<CallName, Call>>;
  /** `PROT_READ`, `MADV_HUGEPAGE`, `M` and so on. */
  readonly constants: Readonly<Record<ConstantName, number>>;
}

/** A plain function, or a generator whose `yield*` run operations of the canonical build. */
export type Scenario = (
  context: ScenarioContext<never>,
) => Generator<engine.Point, unknown, void> | Promise<unknown> | unknown;

/** Whether a scenario needs the canonical build. */
export function isGenerator(scenario: Scenario): boolean {
  return Object.prototype.toString.call(scenario) === '[object GeneratorFunction]';
}

/** Runs a scenario to its end, on a session with the build that it needs. */
export async function runScenario(scenario: Scenario, session: Session): Promise<void> {
  const { mm, machine, task } = session;
  const calls = Object.fromEntries(CALLS.map(({ name }) => [name, callOf(session, name)]));
  const constants = Object.fromEntries(
    constantNames().map((name) => [name, Number(constantOf(name)!)]),
  );
  // For which build a scenario is written is not known to the compiler.
  const context = { mm, machine, task, calls, constants } as unknown as ScenarioContext<never>;
  const result = scenario(context);
  if (isGenerator(scenario)) {
    new Alone(mm, machine).run(result as Generator<engine.Point, unknown, void>);
  } else await result;
}

function callOf(session: Session, name: string): Call {
  return (...values) => {
    const result = session.call(
      name,
      values.map((value) => valueOfArgument(name, value)),
    );
    return Number(result);
  };
}

function valueOfArgument(name: string, value: number | bigint | string): Value {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint') return BigInt.asIntN(64, value);
  if (Number.isInteger(value)) return BigInt.asIntN(64, BigInt(value));
  throw new ScriptError(
    `${name} got ${String(value)}, which is not a whole number`,
    'Pass numbers, bigints or strings',
  );
}

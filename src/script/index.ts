/** Scenarios: scripts of calls on a simulated machine, and what came of them, as data. */
export { CALLS, type CallName } from './calls/index.ts';
export { signatureOf } from './calls/spec.ts';
export { type ConstantName, constantNames, formatValue } from './constants.ts';
export { renderStep, renderView } from './draw/render.ts';
export type { Value } from './language/evaluate.ts';
export { isUnfinished, parseScript, type Statement } from './language/parse.ts';
export { LIMITS } from './limits.ts';
export { type Engine, hasBasePages, type MachineOptions } from './machine.ts';
export type { Outcome, Signal, Step } from './outcome.ts';
export {
  type BlankedEngine,
  isGenerator,
  runScenario,
  type Scenario,
  type ScenarioContext,
} from './scenario.ts';
export { type Place, ScriptError } from './script_error.ts';
export { Session, type SessionOptions } from './session.ts';
export { type RunReport, toJson } from './view/json.ts';
export {
  type AddressSpaceView,
  type MachineView,
  type Resident,
  viewMachine,
} from './view/view.ts';
export type { PageCounts, VmaView } from './view/vmas.ts';

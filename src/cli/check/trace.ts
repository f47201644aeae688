/** What a finding does, as a trace: for `ptshare view`, and for who reads traces otherwise. */
import { type Finding, MachineScenario, traceOf } from '../../check/index.ts';
import { wrongUse } from '../failure.ts';
import { saveTrace } from '../trace_file.ts';
import type { Subject } from './job.ts';
import type { Case } from './report.ts';
import { scenarioOf } from './subject.ts';

/** Saves the first finding. @throws Failure if there is none, or it is not of the engine */
export async function traceFirst(path: string, cases: readonly Case[]): Promise<void> {
  for (const { subject, result } of cases.flatMap(({ searches }) => searches)) {
    if (result?.finding === undefined) continue;
    return traceFinding(path, subject, result.finding);
  }
  throw wrongUse(
    `Cannot write ${path}: nothing was found, so there is no schedule to trace`,
    'Search with the mistake: --on',
  );
}

/** @throws Failure if the scenario is not one of the engine */
export async function traceFinding(
  path: string,
  subject: Subject,
  { schedule }: Finding,
): Promise<void> {
  const scenario: unknown = await scenarioOf(subject);
  if (!(scenario instanceof MachineScenario)) {
    throw wrongUse(
      `Cannot write ${path}: only scenarios of the engine can be traced`,
      'Leave --trace out',
    );
  }
  await saveTrace(path, traceOf(scenario, schedule));
}

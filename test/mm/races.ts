/** Races as tests: explored to the end without a finding, or found. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ExploreOptions,
  explore,
  type MachineScenario,
  replay,
} from '../../src/check/index.ts';

/** A fresh machine for each search: the scenario before its first step. */
type NewScenario = () => MachineScenario;

export function isClean(name: string, scenario: NewScenario): void {
  test(`${name}: explored completely, nothing violated`, () => {
    const result = explore(scenario());
    assert.equal(result.finding, undefined);
    assert.ok(result.isComplete);
    assert.ok(result.executions > 1, 'there was a race');
  });
}

/** @param options a search that ends before it has seen everything, and may not find anything */
export function isFound(
  name: string,
  property: string,
  scenario: NewScenario,
  options: ExploreOptions = {},
): void {
  test(`${name}: found as ${property}, and the schedule replays to it`, () => {
    const { finding, isComplete } = explore(scenario(), options);
    assert.equal(finding?.property, property);
    assert.equal(isComplete, false);
    assert.deepEqual(replay(scenario(), finding.schedule), finding);
  });
}

import type { Scenario } from '../../../src/check/index.ts';
import { lastZero } from '../../../test/check/literature.ts';

export const scenario = (): Scenario => lastZero(15);

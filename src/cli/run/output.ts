/** Where steps go: text as they happen, JSON in the end. */
import {
  type MachineView,
  renderStep,
  renderView,
  type Session,
  type Step,
  toJson,
} from '../../script/index.ts';
import { textOptions } from '../terminal.ts';
import type { RunOptions } from './options.ts';

export interface Output {
  onStep(step: Step): void;
  /** What is printed when all is done. */
  finish(session: Session): Promise<void>;
}

export function outputOf(options: RunOptions): Output {
  return options.json === true ? jsonOutput() : textOutput(options);
}

function textOutput(options: RunOptions): Output {
  const shownAs = textOptions(options);
  let isShown = false;
  return {
    onStep(step) {
      isShown = step.outcome.kind === 'shown' && step.outcome.part === 'all';
      process.stdout.write(renderStep(step, shownAs));
    },
    finish: (session) => print(isShown ? '' : renderView(session.view(), shownAs)),
  };
}

function jsonOutput(): Output {
  const steps: Step[] = [];
  return {
    onStep: (step) => steps.push(step),
    finish: (session) => print(json(steps, session.view())),
  };
}

function json(steps: readonly Step[], view: MachineView): string {
  return `${JSON.stringify(toJson(steps, view), null, 2)}\n`;
}

function print(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => resolve());
  });
}

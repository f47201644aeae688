/** What is said of events alike in text and on pages. */
import { counted, formatBytes } from '../quantity.ts';
import type { After, AfterCost, AfterStep } from './after_schema.ts';

/** What the engine has counted of one event, if it has run the design. */
export function costOf(
  { engine }: After,
  id: string,
  step: number,
): AfterCost['designs'][number]['steps'][number] | undefined {
  return engine?.designs.find((design) => design.id === id)?.steps[step];
}

/** How many more tables there are than before. */
export function formatAdded({ addedBytes, refused }: AfterStep['designs'][number]): string {
  if (refused > 0) return 'EINVAL';
  if (addedBytes === 0) return '0';
  return `${addedBytes > 0 ? '+' : '-'}${formatBytes(Math.abs(addedBytes))}`;
}

export const REFUSED =
  'EINVAL: the call fails. Huge pages of hugetlb change as a whole, and of a region of mshare a ' +
  "process unmaps all or nothing, and changes no rights: those are everybody's.";

/** Of designs that leave open what is shared, if there are any. */
export function openSentence({ steps }: After): string | undefined {
  const open = steps.flatMap(({ designs }) => designs.filter(({ isOpen }) => isOpen));
  const ids = [...new Set(open.map(({ id }) => id))];
  if (ids.length === 0) return undefined;
  return `Of ${ids.join(', ')}: several tables are there to be shared, and one of them is taken.`;
}

/** @param isWhole whether the engine has run the size that was asked for */
export function engineSentence(engine: AfterCost, isWhole: boolean): string {
  if (engine.designs.length === 0) return 'Tables by the shapes.';
  const size = `${counted(engine.processes, 'process')} and ${formatBytes(engine.bytes)}`;
  const where = isWhole
    ? 'Faults, flushes and IPIs were counted while the engine ran all of it'
    : `Too large for the engine: faults, flushes and IPIs were counted with ${size}`;
  const verdict = engine.agrees
    ? 'Its tables are those of the shapes after each event, to the byte'
    : 'ERROR: its tables or results are not those of the shapes';
  return `${where}. ${verdict}.`;
}

/** Random programs with userfaultfd. */
import { ADVICE, MAP, UFFD_MODE } from './calls.ts';
import { UFFD_WEIGHTS } from './covered.ts';
import { generateProgram, type Weights } from './generator.ts';
import type { Program, Step } from './program.ts';

const STEPS = 250;

/** @param seed any 32-bit number */
export function uffdProgram(seed: number, weights: Weights = UFFD_WEIGHTS): Program {
  const { steps } = generateProgram(seed, STEPS, weights);
  const isProtecting = steps.some(
    ({ call }) => call.name === 'uffd_register' && (call.mode & UFFD_MODE.wp) !== 0,
  );
  return { steps: isProtecting ? steps.map(withoutGuards).map(withoutLocks) : steps };
}

/**
 * Kernel 6.18 never returns from MADV_GUARD_INSTALL over a note of write protection in a file: what it
 * clears to make room stays, and it starts anew.
 */
function withoutGuards(step: Step): Step {
  const { call } = step;
  const isAdvice = call.name === 'madvise' || call.name === 'process_madvise';
  if (!isAdvice || call.advice !== ADVICE.guard_install) return step;
  return { ...step, call: { ...call, advice: ADVICE.dontneed } };
}

/**
 * Kernel 6.18 never ends a fault on locked memory of a file on a disk that has such a note where the
 * page is not in memory (`lockedFaultSeesMarker`).
 */
function withoutLocks(step: Step): Step {
  const { call } = step;
  switch (call.name) {
    case 'mlock':
    case 'mlock2':
      return { ...step, call: { name: 'munlock', address: call.address, length: call.length } };
    case 'mlockall':
      return { ...step, call: { name: 'munlockall' } };
    case 'mmap':
      return { ...step, call: { ...call, flags: call.flags & ~MAP.locked } };
    default:
      return step;
  }
}

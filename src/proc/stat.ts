/** `/proc/PID/stat`: when a process started, which tells two owners of one pid apart. */
import { ProcSyntaxError } from './syntax.ts';

/** Fields are numbered from 1 in proc(5); the third one follows the name. */
const START_TIME_FIELD = 22;
const FIRST_FIELD_BEHIND_NAME = 3;

/**
 * @returns clock ticks after boot
 * @throws ProcSyntaxError if the field is missing
 */
export function parseStartTime(text: string): number {
  // The name stands in parentheses, unescaped: it may hold spaces and parentheses itself.
  const behindName = text.slice(text.lastIndexOf(')') + 2);
  const field = behindName.split(' ')[START_TIME_FIELD - FIRST_FIELD_BEHIND_NAME] ?? '';
  if (!/^\d{1,15}$/.test(field)) {
    throw new ProcSyntaxError('field 22 is a start time', 'stat', 1, text);
  }
  return Number(field);
}

/** What stdout can show. */
import type { TextOptions } from '../report/text/canvas.ts';

/** Narrower than this, tables could not be read. */
export const WIDTH_MIN = 60;
/** For files and pipes. */
const WIDTH_ELSEWHERE = 100;

export interface TerminalWishes {
  /** False for `--no-color`. */
  readonly color: boolean;
  readonly width?: number;
  readonly top: number;
}

export function textOptions({ color, width, top }: TerminalWishes): TextOptions {
  const { stdout, env } = process;
  return {
    width: width ?? Math.max(stdout.columns ?? WIDTH_ELSEWHERE, WIDTH_MIN),
    // `hasColors()` knows NO_COLOR, FORCE_COLOR and TERM=dumb.
    color: color && stdout.isTTY === true && stdout.hasColors(),
    unicode: showsUnicode(env),
    rows: top,
  };
}

/** By the locale; where none is set, all but the bare console of Linux. */
export function showsUnicode(env: NodeJS.ProcessEnv): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG;
  return locale ? /utf-?8/i.test(locale) : env.TERM !== 'linux';
}

/** The builds of the engine, loaded when they are needed. */
import type * as designs from '../../designs/index.ts';
import type { Engine } from '../../script/index.ts';
import { ExitCode, Failure } from '../failure.ts';

const BLANKED = new URL('../../../fast/src/mm/index.js', import.meta.url);
const DESIGNS = new URL('../../../fast/src/designs/index.js', import.meta.url);

/** Operations that are plain functions. */
export async function blankedEngine(): Promise<Engine> {
  try {
    return (await import(BLANKED.href)) as Engine;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error) || error.code !== 'ERR_MODULE_NOT_FOUND') {
      throw error;
    }
    throw new Failure(
      ExitCode.CANNOT_RUN,
      'The fast build of the engine is missing',
      'Run `npm run build` in the checkout, or install ptshare again',
    );
  }
}

/** The same with its designs. */
export async function blankedDesigns(): Promise<Engine & typeof designs> {
  const mm = await blankedEngine();
  return { ...mm, ...((await import(DESIGNS.href)) as typeof designs) };
}

/** Operations that are generators. */
export async function canonicalEngine(): Promise<Engine> {
  return await import('../../mm/index.ts');
}

/** The same with its designs. */
export async function canonicalDesigns(): Promise<Engine & typeof designs> {
  return { ...(await canonicalEngine()), ...(await import('../../designs/index.ts')) };
}

/** mshare for a session, in the variant that is asked for. */
import type * as designs from '../../designs/index.ts';
import type { SessionOptions } from '../../script/index.ts';
import type { RunOptions } from './options.ts';

type Designs = typeof designs;

const BLANKED = new URL('../../../fast/src/designs/index.js', import.meta.url);

/** Of the same build as the engine, which has been loaded. */
export async function mshareOf(
  { mshare }: RunOptions,
  isCanonical: boolean,
): Promise<SessionOptions['mshare']> {
  if (mshare === undefined) return undefined;
  const api = isCanonical
    ? await import('../../designs/index.ts')
    : ((await import(BLANKED.href)) as Designs);
  const variants = [api.V2, api.V3, api.MENDED];
  return { api, variant: variants.find(({ name }) => name === mshare)! };
}

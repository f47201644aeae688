/** Imported before each test file: fast-check draws from `PTSHARE_SEED` too, if it is set. */
import fc from 'fast-check';
import { newSeed } from './seed.ts';

if (process.env.PTSHARE_SEED !== undefined) fc.configureGlobal({ seed: newSeed() });

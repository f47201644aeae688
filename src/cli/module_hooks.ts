/**
 * Lets Node import TypeScript: types are replaced by spaces, so lines and columns stay. And lets a
 * module import `ptshare/check` wherever it lies. Hooks of a loader, which run in a thread of their
 * own.
 */
import { readFile } from 'node:fs/promises';
import type { LoadHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/wasm-typescript';

export const resolve: ResolveHook = (specifier, context, nextResolve) =>
  specifier.startsWith('ptshare/')
    ? nextResolve(specifier, { ...context, parentURL: import.meta.url })
    : nextResolve(specifier, context);

export const load: LoadHook = async (url, context, nextLoad) => {
  if (!/^file:.*\.m?ts$/.test(url)) return nextLoad(url, context);
  const path = fileURLToPath(url);
  const text = await readFile(path, 'utf8');
  return { format: 'module', source: stripTypes(text, path), shortCircuit: true };
};

function stripTypes(text: string, path: string): string {
  try {
    return transformSync(text, { filename: path, mode: 'strip-only' }).code;
  } catch (error) {
    // What it throws is no Error, and has the place in a picture of its own.
    const message =
      typeof error === 'object' && error !== null && 'message' in error
        ? String(error.message)
        : String(error);
    throw new SyntaxError(`Cannot strip the types of ${path}: ${message}`);
  }
}

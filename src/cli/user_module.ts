/** Modules of users, of TypeScript or JavaScript. */
import { access } from 'node:fs/promises';
import { register } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fileFailure, wrongUse } from './failure.ts';

export function isModule(file: string): boolean {
  return /\.[mc]?[jt]s$/.test(file);
}

/**
 * What a module exports as `scenario`, or by default. It may import `ptshare/check` and the like
 * wherever it lies.
 *
 * @param docs the page that says what it may do
 * @throws Failure if it cannot be loaded
 */
export async function importScenario(file: string, docs: string): Promise<unknown> {
  const path = resolve(file);
  await access(path).catch((error: unknown) => {
    throw fileFailure(`read ${file}`, error, 'Name a file that holds a script or a module');
  });
  register('./module_hooks.js', import.meta.url);
  try {
    const module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
    return module.scenario ?? module.default;
  } catch (error) {
    throw moduleFailure(`Cannot load ${file}`, error, docs);
  }
}

/** A fault of the module, with its place. */
export function moduleFailure(what: string, error: unknown, docs: string): Error {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const place = error instanceof Error ? placeIn(error.stack) : undefined;
  return wrongUse(
    `${what}: ${message}${place === undefined ? '' : ` (${place})`}`,
    `${docs} describes what a module may do`,
  );
}

/** The first place of a stack that is in a module of the user's: `file:line:column`. */
function placeIn(stack = ''): string | undefined {
  const own = new URL('../', import.meta.url).href;
  const places = [...stack.matchAll(/file:\/\/\S+:\d+:\d+/g)].map(([place]) => place);
  return places.find((place) => !place.startsWith(own) && !place.includes('/dist/fast/'));
}

/** As much of node:test as the tests of the engine use, for where there is no Node. */

interface Context {
  diagnostic(message: string): void;
}
type Body = (context: Context) => unknown;

const registered: { readonly name: string; readonly body: Body }[] = [];

export function test(name: string, optionsOrBody: object | Body, body?: Body): void {
  const given = body ?? optionsOrBody;
  registered.push({ name, body: given as Body });
}

/** Runs them one after the other. */
export async function runAll(): Promise<{ name: string; error?: string }[]> {
  const outcomes: { name: string; error?: string }[] = [];
  for (const { name, body } of registered) {
    try {
      await body({ diagnostic: () => {} });
      outcomes.push({ name });
    } catch (error) {
      outcomes.push({ name, error: error instanceof Error ? String(error.stack) : String(error) });
    }
  }
  return outcomes;
}

/** Output, whole before the program ends. */

export function printJson(value: unknown): Promise<void> {
  return printLines([JSON.stringify(value, null, 2)]);
}

export function printLines(lines: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(`${lines.join('\n')}\n`, () => resolve());
  });
}

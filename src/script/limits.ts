/** What a script may ask for: it may come from anybody. */
export const LIMITS = {
  textLength: 2 ** 20,
  statements: 20_000,
  /** Of an expression. */
  depth: 200,
  /** Pages that one touch may reach, and all of a script. */
  touchedPages: 2 ** 20,
  touchedPagesTotal: 2 ** 26,
  variables: 10_000,
  processes: 64,
  /** Open files of a process. */
  files: 1024,
  /** Files, segments and shared anonymous mappings, if memory is not small. */
  inodes: 2 ** 14,
  /** VMAs of all processes together, if memory is not small. */
  vmas: 2 ** 18,
  memoryBytes: 2 ** 34,
  /** Of all page tables together. */
  tableBytes: 2 ** 28,
} as const;

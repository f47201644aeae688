/**
 * Where things are in the physical memory of the machines that judge.
 *
 *    0      1 MiB            1 GiB          2 GiB        3 GiB   4 GiB            64 GiB
 *    +------+----------------+--------------+------------+-------+-----------------+
 *    |      | data           | page tables  | stub       | (PC)  | data            |
 *    +------+----------------+--------------+------------+-------+-----------------+
 *
 * A PC has its video memory and firmware in the first part, and its devices below 4 GiB; machines of
 * Power find their device tree at 16 MiB.
 */
const MIB = 2 ** 20;
const GIB = 2 ** 30;

export const RAM_BYTES = 64 * GIB;
export const TABLES_START = GIB;
export const TABLES_END = 2 * GIB;

/** The stub and what it reads and writes; a 512 MiB block of arm64 starts here. */
export const STUB_START = 2 * GIB;
export const STUB_BYTES = 32 * MIB;
/** From the start of the stub. */
export const STUB = {
  parameters: 0x8000,
  done: 0x8018,
  tables: 0x10_0000,
  requests: 0x20_0000,
  results: 0x100_0000,
} as const;
/** Of a request: address and kind; of a result: code, word and address. */
export const RECORD_BYTES = 16;
export const REQUESTS_MAX = (STUB.results - STUB.requests) / RECORD_BYTES;

const DATA: readonly (readonly [start: number, end: number])[] = [
  [MIB, 16 * MIB],
  [32 * MIB, TABLES_START],
  [4 * GIB, RAM_BYTES],
];

/** Whether a page at this address is memory that nothing else uses. */
export function isData(address: number): boolean {
  return DATA.some(([start, end]) => start <= address && address < end);
}

/** Of the page that is accessed. A fetch runs the code, a load reads the word, a store the third. */
export const PLACE = { code: 0, word: 16, stored: 32 } as const;

/** Physical memory as the bytes that a machine of an architecture would hold. */
import type { PteFormat } from './format.ts';

/** Every entry of `memory` in the byte order of `format`. */
export function imageOf(format: PteFormat, memory: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(memory.length * 4);
  const view = new DataView(bytes.buffer);
  const isLittle = format.byteOrder === 'little';
  for (let lane = 0; lane < memory.length; lane += 2) {
    view.setUint32(lane * 4 + (isLittle ? 0 : 4), memory[lane]!, isLittle);
    view.setUint32(lane * 4 + (isLittle ? 4 : 0), memory[lane + 1]!, isLittle);
  }
  return bytes;
}

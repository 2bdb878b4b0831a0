import koffi from 'koffi';

/**
 * Memory that system calls read and write: it never moves, so addresses in it can be put into iovecs and kept. Offsets count from its
 * start; `base` is its address. Untouched pages cost nothing.
 */
export interface Memory {
  readonly base: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** The WebAssembly memory it is. */
  readonly wasm: object;
  /** Reserves zeroed bytes (aligned to 16) and returns their offset. */
  reserve(size: number): number;
}

/** What is used of WebAssembly here: its types are part of the DOM's, which are not loaded. */
interface Wasm {
  readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
}
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: Wasm };

const PAGE = 65_536;

/** A WebAssembly memory: unlike an ArrayBuffer it may also be used by WebAssembly code. `size` is in bytes. */
export function createMemory(size: number): Memory {
  const pages = Math.ceil(size / PAGE);
  const memory = new wasm.Memory({ initial: pages, maximum: pages });
  const { buffer } = memory;
  const bytes = new Uint8Array(buffer);
  let used = 0;
  return {
    base: Number(koffi.address(bytes)),
    bytes,
    view: new DataView(buffer),
    wasm: memory,
    reserve(wanted) {
      const offset = used;
      used = (used + wanted + 15) & ~15;
      if (used > bytes.length) throw new RangeError(`memory of ${bytes.length} bytes is too small`);
      return offset;
    },
  };
}

/** Writes a 64-bit address (below 2^53) at `offset`. */
export function setPointer(view: DataView, offset: number, address: number): void {
  view.setUint32(offset, address >>> 0, true);
  view.setUint32(offset + 4, Math.floor(address / 2 ** 32), true);
}

/** Writes text and a closing zero at `offset`. */
export function setText(memory: Memory, offset: number, text: string): void {
  memory.bytes.set(new TextEncoder().encode(`${text}\0`), offset);
}

/** Memory of blocks that were sent, for blocks to come: else it waits for the collector. */
export interface SpareRooms {
  /** Gives room of so many bytes, with whatever was in it. */
  take(bytes: number): Uint8Array;
  /** Takes back what {@link take} gave, or a part from its start; anything else is left alone. */
  put(bytes: Uint8Array): void;
}

export function spareRooms(): SpareRooms {
  const own = new WeakSet<ArrayBufferLike>();
  let spares: ArrayBufferLike[] = [];
  return {
    take: (bytes) => {
      // Blocks only ever grow, so rooms of another size are of no more use.
      if (spares[0]?.byteLength !== bytes) spares = [];
      const spare = spares.pop();
      if (spare !== undefined) return new Uint8Array(spare);
      const room = Buffer.allocUnsafeSlow(bytes);
      own.add(room.buffer);
      return room;
    },
    put: ({ buffer }) => {
      if (own.has(buffer)) spares.push(buffer);
    },
  };
}

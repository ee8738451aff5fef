import { type Algorithm, type Digest, digestBytes, splitDigest } from "../digest.ts";

/** Remembers digests exactly. */
export interface DigestSet {
  readonly size: number;
  /** Adds a digest; false where it was there. */
  add(digest: Digest): boolean;
}

const slotsAtFirst = 1024;

/**
 * Makes a set of digests in flat arrays: about two digests' bytes an entry (64 for sha256), where a
 * set of strings takes three times that and a pause of the garbage collector.
 */
export function digestSet(): DigestSet {
  const tables = new Map<Algorithm, Table>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    add(digest) {
      const { algorithm, hex } = splitDigest(digest);
      let found = tables.get(algorithm);
      if (found === undefined) {
        found = table(digestBytes[algorithm]);
        tables.set(algorithm, found);
      }
      const added = found.add(Buffer.from(hex, "hex"));
      if (added) size += 1;
      return added;
    },
  };
}

interface Table {
  add(entry: Buffer): boolean;
}

/** Open addressing with linear probing; a digest is as good a hash of itself as any. */
function table(width: number): Table {
  let slots = slotsAtFirst;
  let used = 0;
  let taken = new Uint8Array(slots);
  let entries = Buffer.alloc(slots * width);

  /** Finds the slot of an entry: its own, or the free one where it belongs. */
  function find(entry: Buffer): number {
    let slot = entry.readUIntBE(0, 6) % slots;
    while (taken[slot] === 1) {
      const at = slot * width;
      if (entry.compare(entries, at, at + width) === 0) return slot;
      slot = (slot + 1) % slots;
    }
    return slot;
  }
  function place(entry: Buffer, slot: number): void {
    taken[slot] = 1;
    entry.copy(entries, slot * width);
  }
  function grow(): void {
    const oldTaken = taken;
    const oldEntries = entries;
    const oldSlots = slots;
    slots *= 2;
    taken = new Uint8Array(slots);
    entries = Buffer.alloc(slots * width);
    for (let slot = 0; slot < oldSlots; slot += 1) {
      if (oldTaken[slot] !== 1) continue;
      const entry = oldEntries.subarray(slot * width, (slot + 1) * width);
      place(entry, find(entry));
    }
  }
  return {
    add(entry) {
      const slot = find(entry);
      if (taken[slot] === 1) return false;
      place(entry, slot);
      used += 1;
      if (used * 10 > slots * 7) grow();
      return true;
    },
  };
}

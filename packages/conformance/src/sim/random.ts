/** A source of chance that gives the same for the same seed, on every machine. */
export interface Random {
  /** A number from 0 up to 1. */
  next(): number;
  /** A whole number from 0 up to, and without, the limit. */
  below(limit: number): number;
  /** True with a probability from 0 to 1. */
  chance(probability: number): boolean;
  /** One of a list that is not empty. */
  pick<T>(items: readonly T[]): T;
  /**
   * Makes another source that depends on this one's seed and a label alone: what one part of a
   * simulation draws never changes what another part gets, so a part can be left out.
   */
  fork(label: string): Random;
}

/**
 * Makes the source of chance of a 32-bit seed. The generator is sfc32, of the public PractRand suite:
 * 128 bits of state, no known weakness, four operations a number.
 */
export function seededRandom(seed: number): Random {
  const words = smallFastCounter(seed);
  const next = (): number => words() / 2 ** 32;
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick(items) {
      const item = items[below(items.length)];
      if (item === undefined) throw new RangeError("there is nothing to pick from");
      return item;
    },
    fork: (label) => seededRandom(mixed(seed, label)),
  };
}

function smallFastCounter(seed: number): () => number {
  let a = 0;
  let b = 0x9e3779b9;
  let c = seed | 0;
  let counter = 1;
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  // Seeds that differ in one bit are far apart after that.
  for (let round = 0; round < 12; round += 1) word();
  return word;
}

/** Mixes a label into a seed (FNV-1a over its UTF-16 units). */
function mixed(seed: number, label: string): number {
  let hash = (seed ^ 0x811c9dc5) | 0;
  for (let at = 0; at < label.length; at += 1) {
    hash = Math.imul(hash ^ label.charCodeAt(at), 0x01000193);
  }
  return hash;
}

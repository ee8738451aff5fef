/** One trace: which blob is asked for, request by request, and how big each blob is. */
export interface Trace {
  readonly name: string;
  readonly keys: Uint32Array;
  readonly bytesOf: (key: number) => number;
}

/** Numbers in [0, 1) that are the same in every run (the mulberry32 generator). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Sizes as blobs have them: a median of 16 KiB and a long tail, cut at 16 MiB, in 4 KiB blocks. */
export function bytesOf(key: number): number {
  const random = seeded(key * 2_654_435_761);
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const size = Math.min(16 * 2 ** 20, 16_384 * Math.exp(1.8 * normal));
  return Math.ceil(size / 4096) * 4096;
}

/** Draws ranks with a probability of 1 / rank^skew. */
function zipf(count: number, skew: number, random: () => number): () => number {
  const cumulative = new Float64Array(count);
  let sum = 0;
  for (let at = 0; at < count; at += 1) {
    sum += 1 / (at + 1) ** skew;
    cumulative[at] = sum;
  }
  return () => {
    const target = random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((cumulative[middle] ?? 0) < target) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

export function zipfTrace(requests: number, blobs: number, skew: number, seed: number): Trace {
  const draw = zipf(blobs, skew, seeded(seed));
  const keys = Uint32Array.from({ length: requests }, draw);
  return { name: `Zipf ${skew}`, keys, bytesOf };
}

/** A share of all requests are for blobs that are never asked for again. */
export function oneHitTrace(requests: number, blobs: number, share: number, seed: number): Trace {
  const random = seeded(seed);
  const draw = zipf(blobs, 0.9, random);
  let fresh = blobs;
  const keys = Uint32Array.from({ length: requests }, () => {
    if (random() >= share) return draw();
    fresh += 1;
    return fresh;
  });
  return { name: `Zipf 0.9, ${share * 100} % one-hit`, keys, bytesOf };
}

/** Every so often a job reads a long run of blobs once, in order, among the others' requests. */
export function scanTrace(requests: number, blobs: number, seed: number): Trace {
  const random = seeded(seed);
  const draw = zipf(blobs, 0.9, random);
  const scanned = blobs / 2;
  let left = 0;
  let next = blobs;
  const keys = Uint32Array.from({ length: requests }, (_, at) => {
    if (at % (scanned * 4) === 0) left = scanned;
    if (left === 0 || random() < 0.25) return draw();
    left -= 1;
    next += 1;
    return next;
  });
  return { name: "Zipf 0.9, with scans", keys, bytesOf };
}

/** The same list is fetched again and again, as a nightly job does. */
export function loopTrace(requests: number, blobs: number): Trace {
  const keys = Uint32Array.from({ length: requests }, (_, at) => at % blobs);
  return { name: "loop", keys, bytesOf };
}

/** What is new is popular and fades: a new blob enters at the top every ten requests. */
export function fadingTrace(requests: number, blobs: number, seed: number): Trace {
  const draw = zipf(blobs, 0.9, seeded(seed));
  const keys = Uint32Array.from(
    { length: requests },
    (_, at) => blobs + Math.floor(at / 10) - draw(),
  );
  return { name: "Zipf 0.9, fading", keys, bytesOf };
}

/** The opposite, for the worst case: blobs rise slowly and are never asked for after their peak. */
export function risingTrace(requests: number, blobs: number, seed: number): Trace {
  const draw = zipf(blobs, 0.9, seeded(seed));
  const keys = Uint32Array.from({ length: requests }, (_, at) => draw() + Math.floor(at / 10));
  return { name: "Zipf 0.9, rising", keys, bytesOf };
}

import { sieveSweep } from "@bitstore/cache-disk";

/** A cache without bytes: it answers whether a request would have been a hit. */
export interface Policy {
  readonly name: string;
  request(key: number, bytes: number): boolean;
}

export type MakePolicy = (bytesMax: number) => Policy;

/** The least recently used goes first. A hit moves the entry, which on disk is a write. */
export function lru(bytesMax: number): Policy {
  const entries = new Map<number, number>();
  let used = 0;
  return {
    name: "LRU",
    request(key, bytes) {
      const found = entries.delete(key);
      if (!found) {
        if (bytes > bytesMax) return false;
        used += bytes;
        for (const [oldest, size] of entries) {
          if (used <= bytesMax) break;
          entries.delete(oldest);
          used -= size;
        }
      }
      entries.set(key, bytes);
      return found;
    },
  };
}

/** The oldest goes first, read or not. */
export function fifo(bytesMax: number): Policy {
  const entries = new Map<number, number>();
  let used = 0;
  return {
    name: "FIFO",
    request(key, bytes) {
      if (entries.has(key)) return true;
      if (bytes > bytesMax) return false;
      used += bytes;
      for (const [oldest, size] of entries) {
        if (used <= bytesMax) break;
        entries.delete(oldest);
        used -= size;
      }
      entries.set(key, bytes);
      return false;
    },
  };
}

interface Slot {
  readonly key: number;
  readonly position: number;
  readonly bytes: number;
  visited: boolean;
  gone: boolean;
}

/** The cache's own module, over a queue in memory. */
export function sieve(bytesMax: number): Policy {
  return sieveWith("SIEVE", bytesMax, bytesMax);
}

/** The same, where a blob of more than a quarter of the budget is served but not stored. */
export function sieveAdmitting(bytesMax: number): Policy {
  return sieveWith("SIEVE, entry <= 1/4", bytesMax, bytesMax / 4);
}

function sieveWith(name: string, bytesMax: number, entryBytesMax: number): Policy {
  const byKey = new Map<number, Slot>();
  let queue: Slot[] = [];
  let hand = 0;
  let positions = 0;
  let used = 0;

  const after = (position: number, limit: number): readonly Slot[] => {
    let low = 0;
    let high = queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((queue[middle]?.position ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    const page: Slot[] = [];
    for (let at = low; at < queue.length && page.length < limit; at += 1) {
      const slot = queue[at];
      if (slot !== undefined && !slot.gone) page.push(slot);
    }
    return page;
  };

  const evict = (bytes: number): void => {
    let left = bytes;
    while (left > 0) {
      const need = { bytes: left, entries: 0 };
      const sweep = sieveSweep({ after, hand, need, victimsMax: 64, stepsMax: 4096 });
      for (const victim of sweep.victims) {
        victim.gone = true;
        byKey.delete(victim.key);
        used -= victim.bytes;
        left -= victim.bytes;
      }
      for (let { from, to } = sweep.cleared; from < to; ) {
        const page = after(from, 64).filter((slot) => slot.position <= to);
        for (const slot of page) slot.visited = false;
        from = page.at(-1)?.position ?? to;
      }
      hand = sweep.hand;
    }
    if (queue.length > 2 * byKey.size + 64) queue = queue.filter((slot) => !slot.gone);
  };

  return {
    name,
    request(key, bytes) {
      const slot = byKey.get(key);
      if (slot !== undefined) {
        slot.visited = true;
        return true;
      }
      if (bytes > entryBytesMax) return false;
      evict(used + bytes - bytesMax);
      positions += 1;
      const added = { key, position: positions, bytes, visited: false, gone: false };
      queue.push(added);
      byKey.set(key, added);
      used += bytes;
      return false;
    },
  };
}

/** A small queue for newcomers, a main one for what came back, and a list of who was sent away. */
export function s3fifo(bytesMax: number): Policy {
  const smallMax = bytesMax / 10;
  const small = new Map<number, { bytes: number; hits: number }>();
  const main = new Map<number, { bytes: number; hits: number }>();
  const ghost = new Set<number>();
  let smallBytes = 0;
  let mainBytes = 0;

  const evictSmall = (): void => {
    for (const [key, entry] of small) {
      small.delete(key);
      smallBytes -= entry.bytes;
      if (entry.hits > 1) {
        main.set(key, { bytes: entry.bytes, hits: 0 });
        mainBytes += entry.bytes;
        continue;
      }
      ghost.add(key);
      for (const oldest of ghost) {
        if (ghost.size <= main.size + small.size) break;
        ghost.delete(oldest);
      }
      return;
    }
  };
  const evictMain = (): void => {
    for (const [key, entry] of main) {
      main.delete(key);
      if (entry.hits === 0) {
        mainBytes -= entry.bytes;
        return;
      }
      main.set(key, { bytes: entry.bytes, hits: entry.hits - 1 });
    }
  };

  return {
    name: "S3-FIFO",
    request(key, bytes) {
      const entry = small.get(key) ?? main.get(key);
      if (entry !== undefined) {
        entry.hits = Math.min(3, entry.hits + 1);
        return true;
      }
      if (bytes > bytesMax) return false;
      while (smallBytes + mainBytes + bytes > bytesMax) {
        if (small.size > 0 && (smallBytes > smallMax || main.size === 0)) evictSmall();
        else evictMain();
      }
      if (ghost.delete(key)) {
        main.set(key, { bytes, hits: 0 });
        mainBytes += bytes;
      } else {
        small.set(key, { bytes, hits: 0 });
        smallBytes += bytes;
      }
      return false;
    },
  };
}

import type { Clock } from "../clock.ts";

/** Counts of some kinds over the last while. */
export interface SlidingCounts<Kind extends string> {
  add(kind: Kind): void;
  sum(kind: Kind): number;
  clear(): void;
}

/** Pieces of the window: it moves on by one of them. */
const slotsMax = 10;

/** Makes counts that look back over a window of milliseconds, in tenths of it. */
export function slidingCounts<Kind extends string>(
  windowMs: number,
  clock: Clock,
): SlidingCounts<Kind> {
  const slotMs = windowMs / slotsMax;
  let slots: { readonly index: number; readonly counts: Map<Kind, number> }[] = [];
  const indexNow = (): number => Math.floor(clock.now() / slotMs);
  return {
    add(kind) {
      const index = indexNow();
      let slot = slots.at(-1);
      if (slot?.index !== index) {
        slot = { index, counts: new Map() };
        slots = [...slots.filter((each) => each.index > index - slotsMax), slot];
      }
      slot.counts.set(kind, (slot.counts.get(kind) ?? 0) + 1);
    },
    sum(kind) {
      const since = indexNow() - slotsMax;
      let sum = 0;
      for (const { index, counts } of slots) if (index > since) sum += counts.get(kind) ?? 0;
      return sum;
    },
    clear: () => {
      slots = [];
    },
  };
}

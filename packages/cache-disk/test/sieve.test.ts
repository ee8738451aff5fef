import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type SieveEntry, sieveSweep } from "@bitstore/cache-disk";

/** The queue `text`: one letter an entry, upper case where it was visited, each of one byte. */
function queueOf(text: string): SieveEntry[] {
  return text.split("").map((letter, at) => ({
    position: at + 1,
    bytes: 1,
    visited: letter !== letter.toLowerCase(),
  }));
}

function sweep(
  text: string,
  need: number,
  hand = 0,
  limits: { steps?: number; victims?: number } = {},
) {
  const queue = queueOf(text);
  const result = sieveSweep({
    after: (position, limit) => queue.filter((entry) => entry.position > position).slice(0, limit),
    hand,
    need: { bytes: need, entries: 0 },
    victimsMax: limits.victims ?? 100,
    stepsMax: limits.steps ?? 1000,
  });
  const victims = result.victims.map(({ position }) => text[position - 1]).join("");
  return { victims, hand: result.hand, wrapped: result.wrapped, steps: result.steps };
}

describe("sieveSweep", () => {
  it("evicts the oldest that was not visited, and passes those that were", () => {
    // The hand starts before the oldest entry; one byte is needed.
    expect(sweep("ABcde", 1)).toEqual({ victims: "c", hand: 3, wrapped: false, steps: 3 });
  });

  it("goes on where it stopped, rather than at the oldest", () => {
    // This is what tells SIEVE from CLOCK's queue: survivors stay in place, the hand moves on.
    expect(sweep("abcde", 1, 3)).toEqual({ victims: "d", hand: 4, wrapped: false, steps: 1 });
  });

  it("says that it has come to the newest, and begins at the oldest then", () => {
    expect(sweep("abcDE", 1, 3)).toEqual({ victims: "", hand: 0, wrapped: true, steps: 2 });
  });

  it("stops at each of its limits", () => {
    expect(sweep("abcde", 5, 0, { victims: 2 })).toMatchObject({ victims: "ab", hand: 2 });
    expect(sweep("ABCDe", 1, 0, { steps: 3 })).toMatchObject({ victims: "", hand: 3 });
    expect(sweep("abcde", 0)).toMatchObject({ victims: "", hand: 0, steps: 0 });
  });

  it("takes visited entries too where it is told that a lap would take too long", () => {
    const queue = queueOf("ABC");
    const result = sieveSweep({
      after: (position) => queue.filter((entry) => entry.position > position),
      hand: 0,
      need: { bytes: 2, entries: 0 },
      victimsMax: 10,
      stepsMax: 10,
      force: true,
    });
    expect(result.victims.map(({ position }) => position)).toEqual([1, 2]);
  });

  it("evicts what a plain simulation of SIEVE evicts, whatever is visited in between", () => {
    // The reference keeps an array and one bit; the module is driven as the index drives it.
    const action = fc.record({ key: fc.nat(12), hit: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 200 }),
        fc.integer({ min: 1, max: 6 }),
        (actions, max) => {
          expect(bySweeps(actions, max)).toEqual(byReference(actions, max));
        },
      ),
      { numRuns: 300 },
    );
  });
});

type Action = { readonly key: number; readonly hit: boolean };

function byReference(actions: readonly Action[], max: number): number[] {
  const queue: { key: number; visited: boolean }[] = [];
  let hand = 0;
  const evicted: number[] = [];
  for (const { key } of actions) {
    const found = queue.find((entry) => entry.key === key);
    if (found !== undefined) {
      found.visited = true;
      continue;
    }
    if (queue.length >= max) {
      while (queue[hand % queue.length]?.visited === true) {
        const passed = queue[hand % queue.length];
        if (passed !== undefined) passed.visited = false;
        hand = (hand + 1) % queue.length;
      }
      hand %= queue.length;
      evicted.push(...queue.splice(hand, 1).map((entry) => entry.key));
      // The hand stands before the entry after the victim; past the end it begins again only when
      // it is needed, and what is inserted until then is still ahead of it.
    }
    queue.push({ key, visited: false });
  }
  return evicted;
}

function bySweeps(actions: readonly Action[], max: number): number[] {
  interface Entry extends SieveEntry {
    readonly key: number;
    visited: boolean;
  }
  let queue: Entry[] = [];
  let hand = 0;
  let positions = 0;
  const evicted: number[] = [];
  for (const { key } of actions) {
    const found = queue.find((entry) => entry.key === key);
    if (found !== undefined) {
      found.visited = true;
      continue;
    }
    while (queue.length >= max) {
      const need = { bytes: 0, entries: queue.length - max + 1 };
      const after = (position: number, limit: number): Entry[] =>
        queue.filter((entry) => entry.position > position).slice(0, limit);
      const result = sieveSweep({ after, hand, need, victimsMax: 8, stepsMax: 3 });
      evicted.push(...result.victims.map((victim) => victim.key));
      queue = queue.filter((entry) => !result.victims.includes(entry));
      for (const entry of queue) {
        const { from, to } = result.cleared;
        if (entry.position > from && entry.position <= to) entry.visited = false;
      }
      hand = result.hand;
    }
    positions += 1;
    queue.push({ key, position: positions, bytes: 1, visited: false });
  }
  return evicted;
}

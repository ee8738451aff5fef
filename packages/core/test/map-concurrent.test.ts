import { mapConcurrent } from "@bitstore/core";
import { describe, expect, it } from "vitest";

// Results come in the order that was asked for, and each of them, also those that are `undefined`, which
// is no sign for "none yet".

const options = { concurrencyMax: 3, waitingMax: 9, signal: new AbortController().signal };

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe("mapConcurrent", () => {
  it.each([true, false])(
    "yields every result, undefined as well (ordered: %s)",
    async (ordered) => {
      for (const late of [1, 2, 3]) {
        const results = mapConcurrent([1, 2, 3], { ...options, ordered }, async (n) => {
          for (let turn = 0; turn < (n === late ? 5 : 0); turn += 1)
            await new Promise(setImmediate);
          return n === 1 ? undefined : n;
        });
        const found = await collect(results);
        expect(found).toHaveLength(3);
        expect(new Set(found)).toEqual(new Set([undefined, 2, 3]));
        if (ordered) expect(found).toEqual([undefined, 2, 3]);
      }
    },
  );
});

import { composite, defineTier, isStoreError, type StoreError } from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { type Behaviour, plant, readAll, scriptedStore, someBytes } from "./scripted-tier.ts";

const behaviours = ["hit", "miss", "corrupt", "failed", "denied", "archived"] as const;

/** All ways in which three tiers can answer one read. */
const combinations = behaviours.flatMap((a) =>
  behaviours.flatMap((b) => behaviours.map((c) => [a, b, c] as const)),
);

const large = someBytes(4 * 2 ** 20 + 1);

function setUp(script: readonly Behaviour[]) {
  const stores = script.map((behaviour, index) => scriptedStore(`t${index}`, behaviour));
  const store = composite({
    tiers: stores.map((source) => defineTier({ name: source.name, source, negativeTtlMs: 0 })),
  });
  return { stores, store };
}

describe("every way in which three tiers can answer", () => {
  // A small blob is verified before it is handed out, so the outcome of a read is decided by the
  // first good copy alone: absent means that all said so, and anything else is unavailable.
  test.each(combinations)("small blob: %s, %s, %s", async (...script) => {
    const { stores, store } = setUp(script);
    const bytes = someBytes(1000);
    const digest = await plant(bytes, ...stores);
    const first = script.indexOf("hit");
    const outcomes: string[] = [];
    const reading = store.open(digest, { onAttempt: ({ outcome }) => outcomes.push(outcome) });
    if (first >= 0) {
      const content = await reading;
      expect(content?.source).toBe(`t${first}`);
      expect(content?.verified).toBe(true);
      expect(await readAll(content)).toEqual(bytes);
      expect(outcomes).toEqual(script.slice(0, first + 1));
      // A wrong copy is read once more, since the way here may have been wrong.
      const asked = script.map((behaviour): number => (behaviour === "corrupt" ? 2 : 1));
      expect(stores.map(({ opens }) => opens)).toEqual(asked.fill(0, first + 1));
    } else if (script.every((behaviour) => behaviour === "miss")) {
      expect(await reading).toBeUndefined();
    } else {
      const error = await reading.then(
        () => undefined,
        (thrown: StoreError) => thrown,
      );
      expect(isStoreError(error, "UNAVAILABLE")).toBe(true);
      expect(error?.attempts?.map(({ outcome }) => outcome)).toEqual(script);
      for (const [index, behaviour] of script.entries()) {
        expect(error?.message).toContain(`t${index} ${behaviour}`);
      }
    }
    expect(stores.map(({ openReads }) => openReads)).toEqual([0, 0, 0]);
  });

  // A large blob streams from the first tier that has one. Wrong bytes never come to a clean end,
  // and the next read goes past the tier that gave them.
  test.each(combinations)("large blob: %s, %s, %s", async (...script) => {
    const { stores, store } = setUp(script);
    const bytes = large;
    const digest = await plant(bytes, ...stores);
    const good = script.indexOf("hit");
    let delivered: Uint8Array | undefined;
    let unavailable: unknown;
    let mismatches = 0;
    for (
      let read = 0;
      read < 4 && delivered === undefined && unavailable === undefined;
      read += 1
    ) {
      try {
        const content = await store.open(digest);
        if (content === undefined) break;
        delivered = await content.bytes();
      } catch (error) {
        if (isStoreError(error, "DIGEST_MISMATCH")) mismatches += 1;
        else unavailable = error;
      }
    }
    const before = good < 0 ? script : script.slice(0, good);
    expect(mismatches).toBe(before.filter((behaviour) => behaviour === "corrupt").length);
    if (good >= 0) expect(Buffer.compare(delivered ?? new Uint8Array(), bytes)).toBe(0);
    else if (script.every((behaviour) => behaviour === "miss")) expect(unavailable).toBeUndefined();
    else expect(isStoreError(unavailable, "UNAVAILABLE")).toBe(true);
    expect(stores.map(({ openReads }) => openReads)).toEqual([0, 0, 0]);
  });
});

describe("a tier that says stop", () => {
  // Its failure is the read's failure, though the tier behind it has the blob; its miss is not.
  test.each(["failed", "denied", "corrupt"] as const)("%s ends the read", async (behaviour) => {
    const first = scriptedStore("first", behaviour);
    const second = scriptedStore("second");
    const store = composite({
      tiers: [
        defineTier({ name: "first", source: first, onFailure: "stop" }),
        defineTier({ name: "second", source: second }),
      ],
    });
    const digest = await plant(someBytes(10), first, second);
    await expect(store.open(digest)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(second.opens).toBe(0);
    first.behaviour = "miss";
    expect((await store.open(digest, { avoid: new Set() }))?.source).toBe("second");
  });
});

describe("stat over tiers", () => {
  // The same rule as for reads: absent only if all said so.
  test("misses, failures and hits", async () => {
    const a = scriptedStore("a", "miss");
    const b = scriptedStore("b", "failed");
    const c = scriptedStore("c");
    const tiers = [a, b, c].map((source) =>
      defineTier({ name: source.name, source, negativeTtlMs: 0 }),
    );
    const digest = await plant(someBytes(10), c);
    expect(await composite({ tiers }).stat(digest)).toEqual({ digest, size: 10 });
    const absent = await plant(someBytes(11));
    await expect(composite({ tiers }).stat(absent)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    b.behaviour = "miss";
    expect(await composite({ tiers }).stat(absent)).toBeUndefined();
  });
});

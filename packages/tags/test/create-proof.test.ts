import { type Bucket, memoryBucket, openBody, StoreError } from "@bitstore/core";
import { faultyBucket, inTurn, noFaults } from "@bitstore/conformance";
import { expect, test } from "vitest";
import { proveCreateIfAbsent, racersMax } from "../src/create-proof.ts";

// The proof runs over buckets in memory: an honest one, ones that break create-if-absent in one way
// each, and ones that only have bad weather, which must never be taken for a broken promise.

const options = { prefix: "_probe/", nonce: "0f" };
/** A clock whose waits are over at once. */
const hurried = {
  now: () => performance.now(),
  after: (_: number, callback: () => void) => {
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  },
};
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function throttled(): StoreError {
  return new StoreError({ code: "RATE_LIMITED", operation: "put", message: "slow down" });
}

/** Checks, then writes: right alone, wrong in a race. */
function checkThenAct(inner: Bucket): Bucket {
  return {
    ...inner,
    put: async (key, body, call = {}) => {
      if (call.ifAbsent !== true) return await inner.put(key, body, call);
      if ((await inner.head(key)) !== undefined) return "existed";
      await tick();
      await inner.put(key, body, { ...call, ifAbsent: false });
      return "created";
    },
  };
}

test("an honest bucket is proven, and left as it was", async () => {
  // Objects of others under the same prefix stay; those of the probe are gone.
  const bucket = memoryBucket();
  await bucket.put("_probe/other", new Uint8Array(1));
  const proof = await proveCreateIfAbsent(bucket, options);
  expect(proof.createTwice).toMatchObject({ holds: true });
  expect(proof.racingCreators).toMatchObject({ holds: true });
  expect(proof.racingCreators.detail).toContain("4 of 4");
  expect(bucket.size).toBe(1);
});

test("a bucket that ignores ifAbsent fails both", async () => {
  // It overwrites and says that it created, as clones do that skip a header they don't know.
  const inner = memoryBucket();
  const liar: Bucket = {
    ...inner,
    put: async (key, body, call) => {
      await inner.put(key, body, { ...call, ifAbsent: false });
      return "created";
    },
  };
  const proof = await proveCreateIfAbsent(liar, options);
  expect(proof.createTwice).toMatchObject({
    holds: false,
    detail: expect.stringContaining("over"),
  });
  expect(proof.racingCreators).toMatchObject({ holds: false });
  expect(proof.racingCreators.detail).toContain(`${racersMax} of ${racersMax}`);
});

test("a bucket that overwrites and says that it existed fails the first", async () => {
  // The answer is right and the deed is wrong: only the bytes tell.
  const inner = memoryBucket();
  const liar: Bucket = {
    ...inner,
    put: async (key, body, call) => {
      const wasThere = (await inner.head(key)) !== undefined;
      await inner.put(key, body, { ...call, ifAbsent: false });
      return wasThere ? "existed" : "created";
    },
  };
  const proof = await proveCreateIfAbsent(liar, options);
  expect(proof.createTwice.holds).toBe(false);
});

test("a bucket that keeps the first and tells both that they created fails both", async () => {
  // The deed is right and the answer is wrong.
  const inner = memoryBucket();
  const liar: Bucket = {
    ...inner,
    put: async (key, body, call) => {
      await inner.put(key, body, call);
      return "created";
    },
  };
  const proof = await proveCreateIfAbsent(liar, options);
  expect([proof.createTwice.holds, proof.racingCreators.holds]).toEqual([false, false]);
});

test("a bucket that checks and then acts fails the race alone", async () => {
  // One after the other it is right, which is why creating twice is not enough.
  const proof = await proveCreateIfAbsent(checkThenAct(memoryBucket()), options);
  expect(proof.createTwice.holds).toBe(true);
  expect(proof.racingCreators.holds).toBe(false);
});

test("a bucket whose winner is overwritten fails the race", async () => {
  // All but the first are told that it existed, and the last of them has written all the same.
  const inner = memoryBucket();
  const liar: Bucket = {
    ...inner,
    put: async (key, body, call) => {
      const outcome = await inner.put(key, body, call);
      if (outcome === "existed" && key.includes("race")) await inner.put(key, body);
      return outcome;
    },
  };
  const proof = await proveCreateIfAbsent(liar, options);
  expect(proof.createTwice.holds).toBe(true);
  expect(proof.racingCreators.detail).toContain("refused");
});

test("a bucket that says itself that it can't is believed, without a request", async () => {
  // Its capability is false.
  const inner = memoryBucket();
  const capabilities = { ...inner.capabilities, createIfAbsent: false };
  const bucket = faultyBucket({ ...inner, capabilities }, noFaults);
  const proof = await proveCreateIfAbsent(bucket, options);
  expect([proof.createTwice.holds, proof.racingCreators.holds]).toEqual([false, false]);
  expect(bucket.ledger.calls()).toBe(0);
});

test("answers that are lost or throttled are settled by reading", async () => {
  // Every third put is throttled before it happens, every fifth one's answer is lost after it.
  const bucket = faultyBucket(memoryBucket(), ({ operation, turn }) => {
    if (operation !== "put") return undefined;
    if (turn % 5 === 1) return { failAfter: "TIMEOUT" };
    return turn % 3 === 0 ? { fail: throttled() } : undefined;
  });
  const proof = await proveCreateIfAbsent(bucket, { ...options, clock: hurried });
  expect(proof.createTwice).toMatchObject({ holds: true });
  expect(proof.racingCreators).toMatchObject({ holds: true });
  expect(proof.racingCreators.detail).toContain("settled");
});

test("a service that lets one of a race through and throttles the rest proves nothing", async () => {
  // Nobody was ever refused, so whether a second would have won is not known.
  const bucket = faultyBucket(memoryBucket(), ({ operation, subject, turn }) =>
    operation === "put" && subject.includes("race") && turn % racersMax !== 3
      ? { fail: "RATE_LIMITED" }
      : undefined,
  );
  const proof = proveCreateIfAbsent(bucket, { ...options, clock: hurried });
  await expect(proof).rejects.toMatchObject({ code: "RATE_LIMITED" });
});

test("an outage, or a lack of rights, is no finding", async () => {
  // The proof rejects with the bucket's own error, whenever it comes.
  for (const code of ["UNAVAILABLE", "TIMEOUT", "PERMISSION_DENIED", "UNAUTHENTICATED"] as const) {
    for (const operation of ["put", "read"] as const) {
      const bucket = faultyBucket(memoryBucket(), inTurn({ [operation]: { fail: code } }));
      const proof = proveCreateIfAbsent(bucket, { ...options, clock: hurried });
      await expect(proof, `${operation} ${code}`).rejects.toMatchObject({ code });
    }
  }
});

test("one racer that is refused rejects the proof once all of them are done", async () => {
  // Else a creator that is still on its way would leave its object behind the deletes.
  const inner = memoryBucket();
  let under = 0;
  const bucket: Bucket = {
    ...inner,
    put: async (key, body, call) => {
      if (!key.includes("race")) return await inner.put(key, body, call);
      under += 1;
      if (under === 2)
        throw new StoreError({ code: "PERMISSION_DENIED", operation: "put", message: "no" });
      for (let turn = 0; turn < 5; turn += 1) await tick();
      return await inner.put(key, body, call);
    },
  };
  const proof = proveCreateIfAbsent(bucket, options);
  await expect(proof).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  expect(inner.size).toBe(0);
});

test("an abort ends the proof, and its objects are deleted all the same", async () => {
  // It comes in the middle of a race.
  const controller = new AbortController();
  const inner = memoryBucket();
  const bucket: Bucket = {
    ...inner,
    put: async (key, body, call) => {
      if (key.endsWith("race-2")) controller.abort();
      for await (const chunk of openBody(body)) expect(chunk.byteLength).toBeGreaterThan(0);
      return await inner.put(key, body, call);
    },
  };
  const proof = proveCreateIfAbsent(bucket, { ...options, signal: controller.signal });
  await expect(proof).rejects.toMatchObject({ code: "ABORTED" });
  expect(inner.size).toBe(0);
});

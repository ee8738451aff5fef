import {
  type BlobStore,
  composite,
  defineTier,
  type Digest,
  digestOf,
  isStoreError,
  StoreError,
} from "@bitstore/core";
import { expect, test } from "vitest";
import { manualClock } from "./manual-clock.ts";
import { plant, scriptedStore, someBytes } from "./scripted-tier.ts";

// S3 refuses an absent key to whoever may not list. `forbiddenMeans: "miss"` takes such a refusal for an
// absence, but only while a read with the same credentials vouches for them: a canary that is there is
// read, at most once a minute. Expired credentials refuse the canary too.

const bytes = someBytes(10);

interface Refusing extends BlobStore {
  /** Refuses everything, as with credentials that have expired. */
  isExpired: boolean;
  asked: Digest[];
}

async function refusing(serviceCode: string): Promise<{ source: Refusing; canary: Digest }> {
  const inner = scriptedStore("strict");
  const canary = await plant(bytes, inner);
  const source: Refusing = {
    ...inner,
    isExpired: false,
    asked: [],
    async open(digest, options) {
      source.asked.push(digest);
      const found = source.isExpired ? undefined : await inner.open(digest, options);
      if (found !== undefined) return found;
      const parts = { operation: "open", source: "strict", subject: digest, message: "refused" };
      throw new StoreError({ ...parts, code: "PERMISSION_DENIED", serviceCode });
    },
  };
  return { source, canary };
}

async function outcome(store: BlobStore, digest: Digest): Promise<string> {
  try {
    return (await store.open(digest)) === undefined ? "absent" : "there";
  } catch (error) {
    return isStoreError(error) ? error.code : "thrown";
  }
}

test("a refusal is an absence while the canary is read, and asked of it once a minute", async () => {
  const { source, canary } = await refusing("AccessDenied");
  const clock = manualClock();
  const tier = defineTier({ name: "strict", source, forbiddenMeans: "miss", canary });
  const store = composite({ tiers: [tier], clock });
  const ask = async (text: string): Promise<string> =>
    await outcome(store, await digestOf(new TextEncoder().encode(text), "sha256"));
  expect(await ask("one")).toBe("absent");
  expect(await ask("two")).toBe("absent");
  expect(source.asked.filter((digest) => digest === canary)).toHaveLength(1);
  source.isExpired = true;
  await clock.advance(59_000);
  expect(await ask("three")).toBe("absent");
  await clock.advance(1000);
  expect(await ask("four")).toBe("UNAVAILABLE");
  source.isExpired = false;
  expect(await ask("five")).toBe("absent");
});

test.each([
  ["without forbiddenMeans", { forbiddenMeans: "denied" }, "AccessDenied", true],
  ["without a canary, before any read", { forbiddenMeans: "miss" }, "AccessDenied", false],
  ["for another reason", { forbiddenMeans: "miss" }, "InvalidAccessKeyId", true],
] as const)("a refusal %s is no absence", async (_, options, serviceCode, hasCanary) => {
  const { source, canary } = await refusing(serviceCode);
  const named = hasCanary ? { canary } : {};
  const store = composite({
    tiers: [defineTier({ name: "strict", source, ...options, ...named })],
  });
  const absent = await digestOf(new TextEncoder().encode("absent"), "sha256");
  expect(await outcome(store, absent)).toBe("UNAVAILABLE");
  // A read that succeeded vouches as well as a canary does.
  expect(await outcome(store, canary)).toBe("there");
  const vouched = options.forbiddenMeans === "miss" && serviceCode === "AccessDenied";
  expect(await outcome(store, absent)).toBe(vouched ? "absent" : "UNAVAILABLE");
});

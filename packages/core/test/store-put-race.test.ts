import {
  type Bucket,
  bucketStore,
  type Bytes,
  digestOf,
  memoryBucket,
  shardedLayout,
} from "@bitstore/core";
import { expect, test } from "vitest";
import { someBytes } from "./scripted-tier.ts";

// Two put the same blob at once, and the second learns of the first only when its own bytes are sent.
// A stream may come once only, as one over HTTP does: it was found right on its way, so it is not
// wanted again.

const layout = shardedLayout("");
const bytes = someBytes(1000);

/** A bucket in which somebody else puts an object while one's own body is on its way. */
function racedBucket(inner: Bucket): Bucket {
  return {
    ...inner,
    async put(key, body, options) {
      if (body instanceof Uint8Array || options?.ifAbsent !== true) {
        return await inner.put(key, body, options);
      }
      for await (const chunk of body()) void chunk;
      await inner.put(key, bytes);
      return "existed";
    },
  };
}

test("a stream that lost the race is read once, and the object is what is looked at", async () => {
  const store = bucketStore(racedBucket(memoryBucket()), layout);
  const digest = await digestOf(bytes, "sha256");
  let openings = 0;
  const body = (): Bytes => {
    openings += 1;
    return (async function* () {
      yield bytes.subarray(0, 400);
      yield bytes.subarray(400);
    })();
  };
  const put = await store.put(body, { digest, size: bytes.byteLength });
  expect(put).toEqual({ digest, size: 1000, outcome: "existed" });
  expect(openings).toBe(1);
});

test("a wrong stream of known size is told from the right object in its way", async () => {
  const store = bucketStore(memoryBucket(), layout);
  const { digest } = await store.put(bytes);
  const wrong = async function* (): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(1);
  };
  const putting = store.put(wrong, { digest, size: 1 });
  await expect(putting).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  expect(await (await store.open(digest))?.bytes()).toEqual(bytes);
});

import { type Content, memoryBucket, memoryCache } from "@bitstore/core";
import { describeBucket } from "@bitstore/conformance";
import { describe, expect, test } from "vitest";

// The bucket in memory is the model of the contract: the suite passes over it without a service.
const opened: ReturnType<typeof memoryBucket>[] = [];

describeBucket("memory", {
  open: () => {
    const bucket = memoryBucket();
    opened.push(bucket);
    return Promise.resolve(bucket);
  },
  reopen: () => Promise.resolve(opened[0] ?? memoryBucket()),
  dispose: () => Promise.resolve(),
  listPageSize: 20,
});

describe("what is stored of a Buffer", () => {
  // `slice` of a Buffer is a view: whoever rewrites theirs would rewrite the object.
  test("is a copy", async () => {
    const bucket = memoryBucket();
    const mine = Buffer.from("before");
    await bucket.put("a", mine);
    const cache = memoryCache({ bytesMax: 1024 });
    const { digest } = await cache.put(mine);
    mine.fill("x");
    const text = async (content: Content | undefined): Promise<string> =>
      Buffer.from((await content?.bytes()) ?? []).toString();
    expect(await text(await bucket.read("a"))).toBe("before");
    expect(await text(await cache.open(digest))).toBe("before");
  });
});

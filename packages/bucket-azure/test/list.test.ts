import { type Bucket, compareKeys } from "@bitstore/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { azureBucket } from "../src/index.ts";
import { utf8Order } from "../src/utf8-order.ts";
import { failure } from "./expectations.ts";
import { answerError, answerList, type Answering, stubService } from "./stub-service.ts";

function bucketAt(endpoint: string, listPageSize = 3): Bucket {
  const environment = {};
  return azureBucket({ container: "box", endpoint, anonymous: true, environment, listPageSize });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Lists keys in the order given, by pages whose marker is a number, as the service would. */
function listing(keys: readonly string[], honoursStart: boolean): Answering {
  return ({ query }, response) => {
    const start = honoursStart ? (query.get("startFrom") ?? "") : "";
    const prefix = query.get("prefix") ?? "";
    const left = keys.filter((key) => key >= start && key.startsWith(prefix));
    const from = Number(query.get("marker") ?? 0);
    const to = from + Number(query.get("maxresults"));
    answerList(response, left.slice(from, to), to < left.length ? String(to) : "");
  };
}

describe("lists", () => {
  const keys = Array.from({ length: 10 }, (_, at) => `key-${at}`);

  it.each([true, false])("start after a key, by a service that can: %s", async (honours) => {
    // A service that ignores where to start lists from the beginning; the answer is the same.
    await using service = await stubService(listing(keys, honours));
    const bucket = bucketAt(service.endpoint);
    const found = await all(bucket.list("key-", { startAfter: "key-6" }));
    expect(found.map(({ key }) => key)).toEqual(["key-7", "key-8", "key-9"]);
    expect(service.asked[0]?.query.get("startFrom")).toBe("key-6");
    expect(service.asked).toHaveLength(honours ? 2 : 4);
  });

  it("ask for no more than they need, and not at all for nothing", async () => {
    await using service = await stubService(listing(keys, true));
    const bucket = bucketAt(service.endpoint, 5000);
    expect(await all(bucket.list("", { limit: 0 }))).toEqual([]);
    expect(service.asked).toHaveLength(0);
    expect(await all(bucket.list("", { limit: 2 }))).toHaveLength(2);
    expect(service.asked[0]?.query.get("maxresults")).toBe("3");
    for await (const { key } of bucket.list("")) {
      expect(key).toBe("key-0");
      break;
    }
    expect(service.asked).toHaveLength(2);
  });

  it("ask the service to start no later than where either order would", async () => {
    await using service = await stubService((_, response) => answerList(response, []));
    const bucket = bucketAt(service.endpoint);
    for (const startAfter of ["ab\u{1f600}c", "ab\uff01c", "ab\ud7ffc", "\ue000"]) {
      await all(bucket.list("", { startAfter }));
    }
    await all(bucket.list("long/prefix", { startAfter: "long" }));
    await all(bucket.listPrefixes("a/", { startAfter: "a/b/c" }));
    const starts = service.asked.map(({ query }) => query.get("startFrom"));
    expect(starts).toEqual(["ab", "ab", "ab\ud7ffc", null, null, "a/b"]);
  });

  it("out of order are refused, since merges would lose keys silently", async () => {
    await using service = await stubService((_, response) => answerList(response, ["b", "a"]));
    const error = await failure(all(bucketAt(service.endpoint).list("")), "UNSUPPORTED");
    expect(error.message).toContain("out of order");
  });

  it("fail where a page fails, after what came before it", async () => {
    await using service = await stubService((asked, response) => {
      if (asked.query.get("marker") === null) answerList(response, ["a"], "1");
      else answerError(asked, response, 503, "ServerBusy");
    });
    const seen: string[] = [];
    const reading = async (): Promise<void> => {
      for await (const { key } of bucketAt(service.endpoint).list("")) seen.push(key);
    };
    await failure(reading(), "RATE_LIMITED");
    expect(seen).toEqual(["a"]);
    expect(service.asked).toHaveLength(2);
  });
});

describe("the order of UTF-8 bytes", () => {
  // Characters on both sides of where the two orders differ, under prefixes that they share.
  const character = fc.constantFrom("a", "b", "/", "\ud7ff", "\ue000", "\uffee", "\u{10000}", "😀");
  const key = fc.array(character, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
  const keys = fc.uniqueArray(key, { maxLength: 60 });

  async function* each(items: readonly string[]): AsyncGenerator<string> {
    yield* items;
  }
  const ordered = (items: readonly string[]): Promise<string[]> =>
    all(utf8Order(each(items), (item) => item, "az://box"));

  it("is made of the order of UTF-16 units", async () => {
    await fc.assert(
      fc.asyncProperty(keys, async (some) => {
        expect(await ordered(some.toSorted())).toEqual(some.toSorted(compareKeys));
      }),
      { numRuns: 2000 },
    );
  });

  it("stays as it is", async () => {
    await fc.assert(
      fc.asyncProperty(keys, async (some) => {
        const right = some.toSorted(compareKeys);
        expect(await ordered(right)).toEqual(right);
      }),
      { numRuns: 500 },
    );
  });

  it("holds nothing back of keys below U+10000, and little of others", async () => {
    // The next key is asked for only when the one before was handed out, or must wait.
    let given = 0;
    const source = async function* () {
      for (const item of ["a", "b", "x\u{1f600}", "x\uff01", "y", "z"]) {
        given += 1;
        yield item;
      }
    };
    const seen: [string, number][] = [];
    for await (const item of utf8Order(source(), (one) => one, "az://box"))
      seen.push([item, given]);
    expect(seen).toEqual([
      ["a", 1],
      ["b", 2],
      ["x\uff01", 4],
      ["x\u{1f600}", 5],
      ["y", 5],
      ["z", 6],
    ]);
  });

  it("is refused where more would have to be held back than there is room for", async () => {
    const source = async function* () {
      for (let at = 0; ; at += 1) yield `\u{1f600}${String(at).padStart(9, "0")}`;
    };
    await failure(all(utf8Order(source(), (one) => one, "az://box")), "UNSUPPORTED");
  });
});

import type { Bucket } from "@bitstore/core";
import { afterEach, describe, expect, test } from "vitest";
import { s3Bucket } from "../src/index.ts";
import { all, expectCode } from "./expect-code.ts";
import { scriptedServer, type ScriptedServer } from "./scripted-server.ts";

// Lists as services write them: escaped or plain, in pages, with cold storage; by a server that
// answers with recorded pages.

const cleanup: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of cleanup.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

interface Entry {
  readonly key: string;
  readonly more?: string;
}

function page(entries: readonly Entry[], more = ""): string {
  const contents = entries.map(
    (entry) =>
      `<Contents><Key>${entry.key}</Key><LastModified>2026-11-21T11:00:00.000Z</LastModified>` +
      `<ETag>&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag><Size>5</Size>` +
      `${entry.more ?? ""}</Contents>`,
  );
  const isTruncated = more.includes("NextContinuationToken");
  return (
    `<ListBucketResult><Name>b</Name><IsTruncated>${isTruncated}</IsTruncated>${more}` +
    `${contents.join("")}</ListBucketResult>`
  );
}

async function listing(
  ...pages: readonly string[]
): Promise<{ readonly bucket: Bucket; readonly server: ScriptedServer }> {
  const server = await scriptedServer((_, answer, at) => {
    answer.writeHead(200, { "content-type": "application/xml" });
    answer.end(pages[at] ?? page([]));
  });
  const bucket = s3Bucket({
    bucket: "b",
    endpoint: server.endpoint,
    region: "us-east-1",
    credentials: ["anonymous"],
  });
  cleanup.push(server, bucket);
  return { bucket, server };
}

async function keysOf(bucket: Bucket): Promise<string[]> {
  return (await all(bucket.list(""))).map(({ key }) => key);
}

const url = "<EncodingType>url</EncodingType>";

describe("keys", () => {
  test("that are escaped are read as they were put; a + is a space", async () => {
    const { bucket, server } = await listing(
      page([{ key: "a+b" }, { key: "a%253C" }, { key: "a%2Bb" }, { key: "%C3%A4%2F%0A%01" }], url),
    );
    expect(await keysOf(bucket)).toEqual(["a b", "a%3C", "a+b", "ä/\n\u0001"]);
    expect(server.requests[0]?.url).toContain("encoding-type=url");
  });

  test("that are plain, since the service ignores the wish, are taken as they are", async () => {
    const { bucket } = await listing(
      page([{ key: "  a " }, { key: "a%2Bb" }, { key: "a+b" }, { key: "a&lt;&amp;&gt;" }]),
    );
    expect(await keysOf(bucket)).toEqual(["  a ", "a%2Bb", "a+b", "a<&>"]);
  });

  test("that look like numbers stay what they are", async () => {
    const { bucket } = await listing(page([{ key: "007" }, { key: "1e3" }, { key: "true" }], url));
    expect(await keysOf(bucket)).toEqual(["007", "1e3", "true"]);
  });

  test("in an order that is not ours are an error, and not lost by whoever merges", async () => {
    const { bucket } = await listing(page([{ key: "b" }, { key: "a" }]));
    const error = await expectCode(keysOf(bucket), "UNSUPPORTED");
    expect(error.detail).toContain('"a" is listed after "b"');
  });

  test("before startAfter are left out, where the service ignores it", async () => {
    const { bucket } = await listing(page([{ key: "a" }, { key: "b" }, { key: "c" }]));
    const found = await all(bucket.list("", { startAfter: "b" }));
    expect(found.map(({ key }) => key)).toEqual(["c"]);
  });
});

describe("pages", () => {
  const token = "<NextContinuationToken>a+/=b</NextContinuationToken>";

  test("follow one another by their tokens, one request each, and no sooner", async () => {
    const { bucket, server } = await listing(page([{ key: "a" }], token), page([{ key: "b" }]));
    const found: string[] = [];
    for await (const { key } of bucket.list("")) {
      found.push(key);
      expect(server.requests).toHaveLength(found.length);
    }
    expect(found).toEqual(["a", "b"]);
    const query = new URL(server.requests[1]?.url ?? "", "http://host").searchParams;
    expect(query.get("continuation-token")).toBe("a+/=b");
  });

  test("that say that more follow, but not where, are an error", async () => {
    const broken = page([{ key: "a" }]).replace("false", "true");
    const { bucket } = await listing(broken);
    await expectCode(keysOf(bucket), "UNAVAILABLE");
  });

  test("are no longer than the limit", async () => {
    const { bucket, server } = await listing(page([{ key: "p1" }], token));
    expect(await all(bucket.list("p", { limit: 1, startAfter: "p0" }))).toHaveLength(1);
    const query = new URL(server.requests[0]?.url ?? "", "http://host").searchParams;
    expect(query.get("max-keys")).toBe("1");
    expect(query.get("start-after")).toBe("p0");
    expect(query.get("prefix")).toBe("p");
    expect(server.requests).toHaveLength(1);
  });
});

describe("what a list says of an object", () => {
  test("no MD5, since it does not say how the object is encrypted", async () => {
    const { bucket } = await listing(page([{ key: "a" }]));
    const [info] = await all(bucket.list(""));
    expect(info).toEqual({
      key: "a",
      size: 5,
      version: "5d41402abc4b2a76b9719d911017c592",
      modifiedAt: new Date("2026-11-21T11:00:00.000Z"),
      md5: undefined,
      archived: false,
    });
  });

  const restored =
    "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>" +
    "<RestoreExpiryDate>2027-01-01T00:00:00.000Z</RestoreExpiryDate></RestoreStatus>";
  const restoring =
    "<RestoreStatus><IsRestoreInProgress>true</IsRestoreInProgress></RestoreStatus>";
  const classes: readonly (readonly [string, boolean])[] = [
    ["", false],
    ["<StorageClass>STANDARD</StorageClass>", false],
    ["<StorageClass>GLACIER_IR</StorageClass>", false],
    ["<StorageClass>GLACIER</StorageClass>", true],
    ["<StorageClass>DEEP_ARCHIVE</StorageClass>", true],
    [`<StorageClass>GLACIER</StorageClass>${restoring}`, true],
    [`<StorageClass>GLACIER</StorageClass>${restored}`, false],
  ];

  for (const [more, archived] of classes) {
    test(`${more.replaceAll(/<[^>]*>/g, " ") || "nothing"}: archived ${archived}`, async () => {
      const { bucket } = await listing(page([{ key: "a", more }]));
      expect((await all(bucket.list("")))[0]?.archived).toBe(archived);
    });
  }
});

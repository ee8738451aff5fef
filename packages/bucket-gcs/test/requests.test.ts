import { createHash } from "node:crypto";
import { type GcsBucketOptions, gcsBucket } from "@bitstore/bucket-gcs";
import type { Bucket } from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { bucketPresence } from "../src/bucket-presence.ts";
import { json, scriptedServer, type ScriptedServer, type Seen } from "./scripted-server.ts";
import { manualClock } from "./test-clocks.ts";

// What is sent is looked at by a real server: options that no emulator honours can be tested in no
// other way.

async function run(
  options: Partial<GcsBucketOptions>,
  use: (bucket: Bucket) => Promise<unknown>,
): Promise<readonly Seen[]> {
  await using server: ScriptedServer = await scriptedServer((seen, response) => {
    if (seen.query.get("uploadType") === "resumable" && seen.method === "POST") {
      json(response, 200, {}, { location: `/upload/storage/v1/b/b/o?upload_id=1` });
    } else if (seen.query.get("alt") === "media") {
      response.writeHead(200, { "content-length": 0, "x-goog-generation": "1" }).end();
    } else if (seen.method === "PUT" && String(seen.headers["content-range"]).endsWith("/*")) {
      const last = String(seen.headers["content-range"]).split(/[-/]/)[1];
      response.writeHead(308, { range: `bytes=0-${last}`, "content-length": 0 }).end();
    } else {
      json(response, 200, { name: "k" });
    }
  });
  await using bucket = gcsBucket({
    bucket: "b",
    endpoint: server.endpoint,
    environment: {},
    partBytes: 256 * 1024,
    ...options,
  });
  await use(bucket);
  return server.seen;
}

const everything = async (bucket: Bucket): Promise<void> => {
  await bucket.head("k").catch(() => undefined);
  await (await bucket.read("k"))?.bytes();
  await bucket.put("k", new Uint8Array(10));
  await bucket.put("k", new Uint8Array(300 * 1024)).catch(() => undefined);
  await bucket.delete("k");
  for await (const info of bucket.list("p/")) expect(info).toBeUndefined();
  for await (const prefix of bucket.listPrefixes("p/")) expect(prefix).toBeUndefined();
};

describe("what is sent", () => {
  test("only the fields that are needed are asked for", async () => {
    const seen = await run({}, everything);
    const fields = seen.map(({ query }) => query.get("fields"));
    expect(fields).toEqual([
      "name,size,generation,updated,md5Hash",
      null,
      "generation,size",
      "generation,size",
      null,
      null,
      null,
      "nextPageToken,items(name,size,generation,updated,md5Hash)",
      "nextPageToken,prefixes",
    ]);
  });

  test("userProject is on every request but those of a session", async () => {
    const seen = await run({ userProject: "payer" }, everything);
    for (const { query } of seen) {
      expect(query.get("userProject")).toBe(query.has("upload_id") ? null : "payer");
    }
  });

  test("a key goes into the path as one segment", async () => {
    const seen = await run({}, (bucket) => bucket.delete("a/../b?c=d#e %2F+é"));
    expect(seen[0]?.path).toBe("/storage/v1/b/b/o/a%2F..%2Fb%3Fc%3Dd%23e%20%252F%2B%C3%A9");
  });

  test("kmsKeyName is on the requests that create", async () => {
    const kmsKeyName = "projects/p/locations/l/keyRings/r/cryptoKeys/k";
    const seen = await run({ kmsKeyName }, everything);
    const creating = seen.filter(({ method }) => method === "POST");
    expect(creating.map(({ query }) => query.get("kmsKeyName"))).toEqual([kmsKeyName, kmsKeyName]);
  });

  test("a customer's key goes with the object's bytes and metadata, in no URL", async () => {
    const key = Buffer.alloc(32, 5);
    const encryptionKey = key.toString("base64");
    const seen = await run({ encryptionKey }, everything);
    const keyed = seen.filter(({ headers }) => headers["x-goog-encryption-key"] === encryptionKey);
    expect(keyed.map(({ method }) => method)).toEqual(["GET", "GET", "POST", "POST", "PUT", "PUT"]);
    for (const { headers } of keyed) {
      expect(headers["x-goog-encryption-algorithm"]).toBe("AES256");
      const sha256 = createHash("sha256").update(key).digest("base64");
      expect(headers["x-goog-encryption-key-sha256"]).toBe(sha256);
    }
  });

  test("a storage class is in the metadata, with the bytes and their MD5", async () => {
    const seen = await run({ storageClass: "NEARLINE" }, async (bucket) => {
      await bucket.put("k", Buffer.from("--the bytes\r\n--"), { contentType: "text/plain" });
      await bucket.put("k", new Uint8Array(300 * 1024)).catch(() => undefined);
    });
    const [whole, begin] = seen;
    expect(whole?.query.get("uploadType")).toBe("multipart");
    const type = String(whole?.headers["content-type"]);
    const boundary = type.replace("multipart/related; boundary=", "");
    const md5Hash = createHash("md5").update("--the bytes\r\n--").digest("base64");
    const metadata = { contentType: "text/plain", storageClass: "NEARLINE", md5Hash };
    expect(whole?.body.toString()).toBe(
      `--${boundary}\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(metadata)}\r\n` +
        `--${boundary}\r\ncontent-type: text/plain\r\n\r\n--the bytes\r\n--\r\n--${boundary}--\r\n`,
    );
    expect(JSON.parse(begin?.body.toString() ?? "")).toMatchObject({ storageClass: "NEARLINE" });
  });

  test("a list asks for no more than it may give", async () => {
    const seen = await run({ listPageSize: 50 }, async (bucket) => {
      for (const options of [{}, { limit: 3 }, { limit: 3, startAfter: "p/a" }, { limit: 500 }]) {
        for await (const info of bucket.list("p/", options)) expect(info).toBeUndefined();
      }
      for await (const info of bucket.list("p/", { limit: 0 })) expect(info).toBeUndefined();
    });
    expect(seen.map(({ query }) => query.get("maxResults"))).toEqual(["50", "3", "4", "50"]);
    expect(seen.map(({ query }) => query.get("startOffset"))).toEqual([null, null, "p/a", null]);
  });

  test("an endpoint may have a path", async () => {
    await using server = await scriptedServer((_, response) => json(response, 200, {}));
    const endpoint = `${server.endpoint}/gcs/`;
    await using bucket = gcsBucket({ bucket: "b", endpoint, environment: {} });
    await bucket.delete("k");
    await bucket.put("k", new Uint8Array(1));
    expect(server.seen.map(({ path }) => path)).toEqual([
      "/gcs/storage/v1/b/b/o/k",
      "/gcs/upload/storage/v1/b/b/o",
    ]);
  });
});

describe("whether the bucket is there", () => {
  test("is asked once for all who wait, and again after some seconds", async () => {
    const clock = manualClock();
    let answer: boolean | Error = true;
    let asked = 0;
    const presence = bucketPresence(async () => {
      asked += 1;
      if (answer instanceof Error) throw answer;
      return answer;
    }, clock);
    expect(await Promise.all([presence.exists(), presence.exists()])).toEqual([true, true]);
    clock.advance(29_999);
    expect(await presence.exists()).toBe(true);
    expect(asked).toBe(1);
    clock.advance(1);
    answer = false;
    expect(await presence.exists()).toBe(false);
    clock.advance(1_999);
    expect(await presence.exists()).toBe(false);
    expect(asked).toBe(2);
    clock.advance(1);
    answer = new Error("down");
    await expect(presence.exists()).rejects.toThrow("down");
    answer = true;
    expect(await presence.exists()).toBe(true);
    expect(asked).toBe(4);
    clock.advance(60_000);
    presence.seen();
    expect(await presence.exists()).toBe(true);
    expect(asked).toBe(4);
  });
});

import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { type BlobStore, digestOf, memoryCache, parseDigest } from "@bitstore/core";
import { extract } from "tar-stream";
import { describe, expect, test } from "vitest";
import { openServer, type OpenServer } from "./support/open-server.ts";

// The two bulk routes over a live server: small lists for what they answer, a list of a million digests
// for the memory that they take.

const ndjson = "application/x-ndjson";
const absent = (n: number): string => `sha256:${n.toString(16).padStart(64, "0")}`;

async function put(served: OpenServer, body: Uint8Array): Promise<string> {
  const response = await fetch(`${served.url}/v1/blobs`, { method: "POST", body });
  return ((await response.json()) as { digest: string }).digest;
}

function ask(
  served: OpenServer,
  route: "missing" | "fetch",
  body: NonNullable<RequestInit["body"]>,
  headers: Record<string, string>,
): Promise<Response> {
  const init = { method: "POST", body, headers, duplex: "half" } as const;
  return fetch(`${served.url}/v1/blobs/${route}`, init);
}

describe("missing", () => {
  test("names what the origin lacks, in the order of the list, in either form", async () => {
    await using served = await openServer();
    const there = await put(served, randomBytes(10));
    const list = [absent(1), there, absent(2), absent(1)];
    const lines = list.map((each) => `"${each}"\n`).join("");
    const wanted = [absent(1), absent(2), absent(1)];
    const asLines = await ask(served, "missing", lines, { "content-type": ndjson });
    expect(asLines.headers.get("content-type")).toBe(ndjson);
    expect(await asLines.text()).toBe(wanted.map((each) => `"${each}"\n`).join(""));
    const json = JSON.stringify(list, undefined, 1);
    const asArray = await ask(served, "missing", json, { "content-type": "application/json" });
    expect(await asArray.json()).toEqual(wanted);
    const mixed = { "content-type": ndjson, accept: "application/json" };
    expect(await (await ask(served, "missing", lines, mixed)).json()).toEqual(wanted);
    const none = await ask(served, "missing", "[]", { "content-type": "application/json" });
    expect(await none.json()).toEqual([]);
  });

  test.each([
    [ndjson, '"sha256:12"\n', "item 1"],
    [ndjson, `"${absent(1)}"\n${absent(2)}\n`, "item 2"],
    [ndjson, `"${"x".repeat(2000)}`, "longer"],
    ["application/json", "{}", "array"],
    ["application/json", `["${absent(1)}"`, "array"],
    ["application/json", `["${absent(1)}",]`, "array"],
    ["application/json", `["${absent(1)}"] []`, "array"],
    ["application/json", "[1]", "array"],
    ["text/plain", absent(1), "content-type"],
  ])("refuses, before it answers, %s %s", async (media, body, says) => {
    await using served = await openServer();
    const response = await ask(served, "missing", body, { "content-type": media });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { detail: string }).detail).toContain(says);
  });

  test("refuses a list that is too long", async () => {
    await using served = await openServer({ limits: { listedDigestsMax: 2 } });
    const body = [1, 2, 3].map((n) => `"${absent(n)}"\n`).join("");
    const response = await ask(served, "missing", body, { "content-type": ndjson });
    expect(response.status).toBe(413);
  });

  test("takes a million digests in flat memory, from a client that reads when all is sent", async () => {
    const count = 1_000_000;
    // A source that has nothing, and answers at once: the server's own part is what is looked at.
    const inner = memoryCache({ bytesMax: 1, name: "empty" });
    const origin: BlobStore = { ...inner, stat: () => Promise.resolve(undefined) };
    await using served = await openServer({ origin });
    async function* lines(): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < count; n += 1000) {
        const some = Array.from({ length: 1000 }, (_, at) => `"${absent(n + at)}"\n`);
        yield Buffer.from(some.join(""));
      }
    }
    const before = process.memoryUsage().rss;
    const response = await ask(served, "missing", Readable.from(lines()), {
      "content-type": ndjson,
    });
    expect(response.status).toBe(200);
    let bytes = 0;
    let most = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      most = Math.max(most, process.memoryUsage().rss);
    }
    expect(bytes).toBe(count * (absent(0).length + 3));
    // The list alone has 74 MB, as strings several times that; client and garbage are in it too.
    expect(most - before).toBeLessThan(256 * 2 ** 20);
  });
});

interface Unpacked {
  readonly entries: ReadonlyMap<string, Buffer>;
  readonly names: readonly string[];
  readonly report: readonly Record<string, unknown>[];
}

async function unpack(response: Response): Promise<Unpacked> {
  const entries = new Map<string, Buffer>();
  const names: string[] = [];
  const reader = extract();
  const piped = Readable.fromWeb(response.body as never).pipe(reader as never) as unknown;
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    names.push(entry.header.name);
    entries.set(entry.header.name, Buffer.concat(chunks));
  }
  void piped;
  const text = entries.get(".bitstore/report.ndjson")?.toString() ?? "";
  const report = text.split("\n").filter((line) => line !== "");
  return {
    entries,
    names,
    report: report.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

describe("fetch", () => {
  test("gives what is there as an archive, and tells of the rest in its last entry", async () => {
    await using served = await openServer();
    const blobs = [0, 5, 1000, 2 * 2 ** 20, 5 * 2 ** 20].map((size) => randomBytes(size));
    const digests: string[] = [];
    for (const blob of blobs) digests.push(await put(served, blob));
    const long = await digestOf(randomBytes(3), "sha512");
    const list = JSON.stringify([...digests, absent(7), long]);
    const response = await ask(served, "fetch", list, { "content-type": "application/json" });
    expect(response.headers.get("content-type")).toBe("application/x-tar");
    const { entries, names, report } = await unpack(response);
    for (const [n, digest] of digests.entries()) {
      expect(entries.get(digest.replace(":", "/"))?.equals(blobs[n] ?? Buffer.of(1))).toBe(true);
    }
    expect(names.at(-1)).toBe(".bitstore/report.ndjson");
    const status = new Map(report.map((line) => [line["digest"], line["status"]]));
    const wanted = new Map(digests.map((each) => [each, "fetched"]));
    for (const each of [absent(7), long]) wanted.set(each, "missing");
    expect(status).toEqual(wanted);
  });

  test("goes on where a blob fails", async () => {
    const good = await digestOf(Buffer.from("good"), "sha256");
    const inner = memoryCache({ bytesMax: 1000, name: "half" });
    await inner.put(Buffer.from("good"), { digest: good });
    const origin: BlobStore = {
      ...inner,
      open: (digest, call) =>
        digest === good ? inner.open(digest, call) : Promise.reject(new Error("the disk is gone")),
    };
    await using served = await openServer({ origin });
    const body = `"${absent(1)}"\n"${good}"\n`;
    const response = await ask(served, "fetch", body, { "content-type": ndjson });
    const { entries, report } = await unpack(response);
    expect([...entries.keys()]).toEqual([good.replace(":", "/"), ".bitstore/report.ndjson"]);
    expect(report.find(({ digest }) => digest === absent(1))).toMatchObject({
      status: "failed",
      error: { code: "UNAVAILABLE" },
    });
  });

  test("is broken off, without its report, where an entry can't be ended", async () => {
    const size = 8 * 2 ** 20;
    const digest = parseDigest(
      `sha256:${createHash("sha256").update(Buffer.alloc(size)).digest("hex")}`,
    );
    const inner = memoryCache({ bytesMax: 128 * 2 ** 20, name: "rotten" });
    await inner.put(Buffer.alloc(size), { digest });
    const origin: BlobStore = {
      ...inner,
      async open(asked, call) {
        const content = await inner.open(asked, call);
        if (content === undefined) return undefined;
        return {
          ...content,
          body: (async function* () {
            for (let n = 0; n < 8; n += 1) yield Buffer.alloc(2 ** 20, n === 7 ? 1 : 0);
          })(),
          [Symbol.asyncDispose]: () => content[Symbol.asyncDispose](),
        };
      },
    };
    await using served = await openServer({ origin });
    const response = await ask(served, "fetch", `"${digest}"\n`, { "content-type": ndjson });
    expect(response.status).toBe(200);
    await expect(response.arrayBuffer()).rejects.toThrow();
  });

  test("sends many blobs in flat memory", async () => {
    const inner = memoryCache({ bytesMax: 1, name: "generated" });
    const blob = Buffer.alloc(512 * 1024);
    const digest = await digestOf(blob, "sha256");
    await using kept = memoryCache({ bytesMax: 16 * 2 ** 20, name: "kept" });
    await kept.put(blob, { digest });
    const origin: BlobStore = { ...inner, open: (asked, call) => kept.open(asked, call) };
    await using served = await openServer({ origin });
    const count = 600;
    const list = `"${digest}"\n`.repeat(count);
    const before = process.memoryUsage().rss;
    const response = await ask(served, "fetch", list, { "content-type": ndjson });
    let bytes = 0;
    let most = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      most = Math.max(most, process.memoryUsage().rss);
    }
    expect(bytes).toBeGreaterThan(count * blob.byteLength);
    expect(most - before).toBeLessThan(160 * 2 ** 20);
  });
});

test.each([{ archivesPerClientMax: 1 }, { archivesMax: 1 }])(
  "an archive has to wait until another one is sent: %j",
  async (clientLimits) => {
    await using served = await openServer({ clientLimits });
    const large = await put(served, randomBytes(16 * 2 ** 20));
    const headers = { "content-type": ndjson };
    const asked = (list: string): Promise<Response> => ask(served, "fetch", list, headers);
    // More than kernels hold for a client that does not read on.
    const first = await asked(`"${large}"\n`.repeat(4));
    expect(first.status).toBe(200);
    const refused = await asked(`"${large}"\n`);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await refused.json()).toMatchObject({ code: "RATE_LIMITED" });
    expect((await ask(served, "missing", `"${large}"\n`, headers)).status).toBe(200);
    expect((await first.arrayBuffer()).byteLength).toBeGreaterThan(64 * 2 ** 20);
    // The server may be closing its files behind the last byte.
    let next = await asked(`"${absent(1)}"\n`);
    while (next.status === 429) {
      await next.arrayBuffer();
      next = await asked(`"${absent(1)}"\n`);
    }
    expect([next.status, (await next.arrayBuffer()).byteLength > 1000]).toEqual([200, true]);
  },
);

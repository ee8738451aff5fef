import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text as collectText } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { digestOf } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../src/load-config.ts";
import { disposedOnce } from "../src/open/disposed-once.ts";
import { openStore } from "../src/open/open-store.ts";
import { openPins, openTags } from "../src/open/open-tags.ts";
import { openComposite, openTiers } from "../src/open/open-tiers.ts";
import { parseStore } from "../src/parse-store.ts";
import { folderWith } from "./folder.ts";
import { textOf } from "./text-of.ts";

const text = "the bytes of a blob";
const bytes = new TextEncoder().encode(text);

describe("a config, opened", () => {
  it("puts into the origin, reads through the caches, and leaves the others alone", async () => {
    // A blob in the read-only directory is read by way of a disk cache and a memory cache, so the
    // second read is the memory's and the directory is as it was; a put lands in the origin.
    const cwd = await folderWith();
    await using others = await openStore(parseStore("./others", cwd), { env: {} });
    const { digest } = await others.put(bytes);
    const before = await readdir(join(cwd, "others"), { recursive: true });
    const urls = [
      "memory:?role=cache",
      "./c?role=cache&bytesMax=1MiB",
      "./ours?origin",
      "./others",
    ];
    const config = await loadConfig({
      cwd,
      env: {},
      tiers: urls.map((url) => ({ kind: "tier", url })),
      metadata: "./tags",
    });
    await using opened = await openComposite(config, { env: {} });
    const { store, metadata, diskCaches } = opened;
    const first = await store.open(digest);
    expect(first?.source).toContain("others");
    expect(await textOf(first)).toBe(text);
    await store.drain();
    const second = await store.open(digest);
    expect(second?.role).toBe("cache");
    await second?.[Symbol.asyncDispose]();
    expect(await store.tiers[1]?.source.stat(digest)).toEqual({ digest, size: bytes.byteLength });
    expect([...diskCaches.keys()]).toEqual(["c"]);

    const put = await store.put(new TextEncoder().encode("more"));
    expect(await store.durable(put.digest)).toEqual({ digest: put.digest, size: 4 });
    expect(await readdir(join(cwd, "ours/sha256"))).toHaveLength(1);
    expect(await readdir(join(cwd, "others"), { recursive: true })).toEqual(before);

    await metadata?.put("v1/a.json", bytes);
    expect(await readFile(join(cwd, "tags/v1/a.json"))).toEqual(Buffer.from(bytes));
  });

  it("records in the metadata what a sha1 named first, and keeps to it in the next process", async () => {
    // The record is changed between two runs, as if other bytes had been seen first: the second run
    // refuses the copy instead of handing it out.
    const cwd = await folderWith();
    const config = await loadConfig({ cwd, env: {} });
    const digest = await digestOf(bytes, "sha1");
    const record = join(cwd, ".bitstore/metadata/weak/sha1", digest.slice(5, 7), digest.slice(5));
    {
      await using opened = await openComposite(config, { env: {} });
      await opened.store.put(bytes, { digest });
    }
    expect(await readFile(record, "utf8")).toBe(await digestOf(bytes, "sha256"));
    await writeFile(record, await digestOf(new Uint8Array(), "sha256"));
    await using opened = await openComposite(config, { env: {} });
    await expect(opened.store.open(digest)).rejects.toThrow("same sha1");
  });

  it("works on the embedded default in an empty folder, where nothing is found at first", async () => {
    const cwd = await folderWith();
    await using opened = await openComposite(await loadConfig({ cwd, env: {} }), { env: {} });
    const digest = await digestOf(bytes, "sha256");
    expect(await opened.store.open(digest)).toBeUndefined();
    expect(await opened.store.put(bytes)).toMatchObject({ digest, outcome: "created" });
    expect(await textOf(await opened.store.open(digest))).toBe(text);
  });

  it("refuses a put where several tiers could be meant, and reads all the same", async () => {
    const cwd = await folderWith();
    const tiers = ["./a", "./b"].map((url) => ({ kind: "tier" as const, url }));
    await using a = await openStore(parseStore("./a", cwd), { env: {} });
    await using b = await openStore(parseStore("./b", cwd), { env: {} });
    const { digest } = await a.put(bytes);
    await b.put(new TextEncoder().encode("other"));
    await using opened = await openComposite(await loadConfig({ cwd, env: {}, tiers }), {
      env: {},
    });
    expect(await textOf(await opened.store.open(digest))).toBe(text);
    const refusal = {
      code: "CONFIG_INVALID",
      message: expect.stringContaining("a, b could each be the origin; say origin=true of one"),
    };
    await expect(opened.store.put(bytes)).rejects.toMatchObject(refusal);
    await expect(opened.store.delete(digest)).rejects.toMatchObject(refusal);
    await expect(opened.store.durable(digest)).rejects.toMatchObject(refusal);
  });

  it("lays out flat where it is said, and puts by the algorithm that is said", async () => {
    const cwd = await folderWith();
    const store = parseStore("./old?layout=flat&algorithm=sha1", cwd);
    await using flat = await openStore(store, { env: {} });
    const { digest } = await flat.put(bytes);
    expect(digest).toBe(await digestOf(bytes, "sha1"));
    expect(await readFile(join(cwd, "old", digest.slice("sha1:".length)))).toEqual(
      Buffer.from(bytes),
    );
    await using sharded = await openStore(parseStore("memory:?algorithm=blake3", cwd), { env: {} });
    expect((await sharded.put(bytes)).digest).toBe(await digestOf(bytes, "blake3"));
    expect((await sharded.put(bytes, { algorithm: "sha512" })).digest).toMatch(/^sha512:/);
  });

  it("opens another bitstore as a tier, and its tags where it is the only one", async () => {
    const cwd = await folderWith();
    const load = async (...urls: string[]): ReturnType<typeof loadConfig> =>
      await loadConfig({ cwd, env: {}, tiers: urls.map((url) => ({ kind: "tier", url })) });
    await using sole = await openComposite(await load("bitstore+https://h"), { env: {} });
    expect(sole.store.tiers[0]?.source.name).toBe("bitstore+https://h");
    expect(sole.metadata).toBeUndefined();
    expect(openTags(sole).name).toContain("bitstore+https://h");
    expect(() => openPins(sole)).toThrow(/pins need a metadata bucket/);
    await using two = await openComposite(await load("bitstore+https://h", "./a"), { env: {} });
    expect(() => openTags(two)).toThrow(/tags need a place of their own/);
  });

  it("sends the token of the environment to the one server, and to none of several", async () => {
    const seen: (string | undefined)[] = [];
    const servers = [1, 2].map(() =>
      createServer((request, response) => {
        seen.push(request.headers["authorization"]);
        response.writeHead(404, { "content-type": "application/problem+json" }).end();
      }),
    );
    const urls: string[] = [];
    for (const server of servers) {
      await once(server.listen(0, "127.0.0.1"), "listening");
      const { port } = server.address() as AddressInfo;
      urls.push(`bitstore+http://127.0.0.1:${port}`);
    }
    const [one = "", two = ""] = urls;
    const cwd = await folderWith();
    const env = { BITSTORE_TOKEN: "ambient", OTHER: "other" };
    const ask = async (...tiers: string[]): Promise<(string | undefined)[]> => {
      seen.length = 0;
      const given = tiers.map((url) => ({ kind: "tier" as const, url }));
      const config = await loadConfig({ cwd, env, tiers: given });
      await using opened = await openComposite(config, { env });
      expect(await opened.store.stat(await digestOf(bytes, "sha256"))).toBeUndefined();
      return [...seen];
    };
    expect(await ask(one)).toEqual(["Bearer ambient"]);
    expect(await ask(one, two)).toEqual([undefined, undefined]);
    const own = `${two}?header.authorization=Bearer%20env:OTHER`;
    expect(await ask(own)).toEqual(["Bearer other"]);
    expect(await ask(one, own)).toEqual([undefined, "Bearer other"]);
    for (const server of servers) server.close();
  });

  it.skipIf(process.platform !== "linux")(
    "closes what it opened where a later tier can't be",
    async () => {
      // The disk cache holds files open. The tier behind it lacks its secret, so opening fails;
      // no descriptor of this process leads into the folder any more.
      const cwd = await folderWith();
      const openFiles = async (): Promise<number> => {
        const links = await Promise.all(
          (await readdir("/proc/self/fd")).map((fd) =>
            readlink(`/proc/self/fd/${fd}`).catch(() => ""),
          ),
        );
        return links.filter((link) => link.startsWith(cwd)).length;
      };
      const load = async (url: string): ReturnType<typeof loadConfig> =>
        await loadConfig({
          cwd,
          env: {},
          tiers: [
            { kind: "cache", url: "./c?bytesMax=1MiB" },
            { kind: "tier", url },
          ],
        });
      const good = await openTiers(await load("./a"), { env: {} });
      expect(await openFiles()).toBeGreaterThan(0);
      await good[Symbol.asyncDispose]();
      expect(await openFiles()).toBe(0);
      const lacking = await load("bitstore+https://h?header.authorization=env:NOT_SET");
      await expect(openTiers(lacking, { env: {} })).rejects.toMatchObject({
        code: "CONFIG_INVALID",
      });
      expect(await openFiles()).toBe(0);
    },
  );

  it("disposes each store once, whoever asks", async () => {
    // A composite disposes its tiers, and the stack that opened them does so again.
    let disposals = 0;
    const store = disposedOnce({
      async [Symbol.asyncDispose]() {
        disposals += 1;
      },
    });
    await Promise.all([store[Symbol.asyncDispose](), store[Symbol.asyncDispose]()]);
    await store[Symbol.asyncDispose]();
    expect(disposals).toBe(1);
  });

  it("loads no SDK that no tier needs, nor the parser where there is no file", async () => {
    // A process of its own writes down each module that it resolves while it opens local tiers.
    const cwd = await folderWith();
    const index = fileURLToPath(new URL("../src/index.ts", import.meta.url));
    const script = `
      import { registerHooks } from "node:module";
      const seen = new Set();
      registerHooks({ resolve(specifier, context, next) { seen.add(specifier); return next(specifier, context); } });
      const { loadConfig, openTiers } = await import(${JSON.stringify(index)});
      const tiers = [{ kind: "cache", url: "memory:" }, { kind: "tier", url: "./a" }];
      await using opened = await openTiers(await loadConfig({ cwd: process.cwd(), env: {}, tiers }), { env: {} });
      console.log(JSON.stringify([...seen]));
    `;
    await writeFile(join(cwd, "script.mts"), script);
    const child = spawn(process.execPath, ["--conditions=@bitstore/source", "script.mts"], { cwd });
    const [out, problem, [status]] = await Promise.all([
      collectText(child.stdout),
      collectText(child.stderr),
      once(child, "exit"),
    ]);
    expect({ status, problem: status === 0 ? "" : problem }).toEqual({ status: 0, problem: "" });
    const seen = JSON.parse(out) as readonly string[];
    expect(seen).toContain("@bitstore/bucket-fs");
    const heavy =
      /aws-sdk|google|azure|undici|bucket-s3|bucket-gcs|source-http|cache-disk|zod|yaml/;
    expect(seen.filter((specifier) => heavy.test(specifier))).toEqual([]);
  });
});

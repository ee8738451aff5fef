import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { isStoreError, systemClock } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../src/load-config.ts";
import { openTags } from "../src/open/open-tags.ts";
import { type OpenComposite, openComposite } from "../src/open/open-tiers.ts";
import { readJournalStatus } from "../src/open/read-journal-status.ts";
import { folderWith, yamlMistakes } from "./folder.ts";
import { textOf } from "./text-of.ts";

const bytes = new TextEncoder().encode("acknowledged early");
const tiers = "tiers:\n  - { url: ./blobs, origin: true }\n";

describe("ack and journal in a file", () => {
  it("say where puts are acknowledged, with a default for all but ack", async () => {
    const cwd = await folderWith({ "a/b.yaml": "ack: cache\n", "c.yaml": "ack: origin\n" });
    const config = await loadConfig({ cwd, env: {}, file: "a/b.yaml" });
    expect(config.journal).toEqual({
      directory: join(cwd, "a/.bitstore/journal"),
      bytesMax: 10 * 2 ** 30,
      entryBytesMax: 10 * 2 ** 30,
      concurrencyMax: 8,
    });
    expect((await loadConfig({ cwd, env: {}, file: "c.yaml" })).journal).toBeUndefined();
    expect((await loadConfig({ cwd, env: {} })).journal).toBeUndefined();
  });

  it("take sizes as tiers do, and paths that start from the file", async () => {
    const text = `${tiers}ack: cache\njournal:\n  directory: ./j\n  bytesMax: 1GiB\n  entryBytesMax: 64MiB\n  concurrencyMax: 3\n`;
    const cwd = await folderWith({ "bitstore.yaml": text });
    expect((await loadConfig({ cwd, env: {} })).journal).toEqual({
      directory: join(cwd, "j"),
      bytesMax: 2 ** 30,
      entryBytesMax: 64 * 2 ** 20,
      concurrencyMax: 3,
    });
  });

  it("hold for the file's tiers alone", async () => {
    // What is pending is for the origin of the file: with a --tier puts go to that, as they always do;
    // a cache in front of the file's tiers changes nothing.
    const cwd = await folderWith({ "bitstore.yaml": `${tiers}ack: cache\n` });
    const load = (kind: "tier" | "cache", url: string) =>
      loadConfig({ cwd, env: {}, tiers: [{ kind, url }] });
    expect((await load("tier", "./other")).journal).toBeUndefined();
    expect((await load("cache", "memory:")).journal).toBeDefined();
  });

  // Each row is a file with one mistake, and the whole line that is printed of it.
  it.each<[string, string, string]>([
    [
      "another word",
      `${tiers}ack: chache\n`,
      'bitstore.yaml:3:6: ack: is "chache"; it is one of origin, cache, did you mean "cache"?',
    ],
    [
      "no word",
      `${tiers}ack: true\n`,
      "bitstore.yaml:3:6: ack: is true or false; write a text, in quotes if need be",
    ],
    [
      "a journal for nothing",
      `${tiers}journal: { bytesMax: 1GiB }\n`,
      "bitstore.yaml:3:1: journal: is of use with ack: cache only; say that, or leave it out",
    ],
    [
      "an unknown key",
      `${tiers}ack: cache\njournal: { dir: ./j }\n`,
      "bitstore.yaml:4:12: journal.dir: unknown key, known are directory, bytesMax, entryBytesMax, concurrencyMax",
    ],
    [
      "no size",
      `${tiers}ack: cache\njournal: { bytesMax: lots }\n`,
      'bitstore.yaml:4:22: journal.bytesMax: "lots" is no size in bytes; write a number and a unit, such as 256MiB or 50GiB',
    ],
    [
      "a blob that never fits",
      `${tiers}ack: cache\njournal: { bytesMax: 1MiB, entryBytesMax: 2MiB }\n`,
      "bitstore.yaml:4:43: journal.entryBytesMax: is more than bytesMax; no such blob would fit",
    ],
    [
      "no origin",
      "tiers:\n  - { url: ./a, readOnly: true }\nack: cache\n",
      "bitstore.yaml:3:6: ack: cache needs an origin that puts are brought to; say origin: true of a tier",
    ],
    [
      "a tier's place",
      `${tiers}ack: cache\njournal: { directory: ./blobs/journal }\n`,
      "bitstore.yaml:4:23: journal.directory: is in the same place as tier blobs; a journal needs its own",
    ],
    [
      "the metadata's place",
      `${tiers}metadata: ./j\nack: cache\njournal: { directory: ./j }\n`,
      "bitstore.yaml:5:23: journal.directory: is in the same place as the metadata; a journal needs its own",
    ],
    [
      "the name of its tier",
      "tiers:\n  - { name: pending, url: ./blobs, origin: true }\nack: cache\n",
      "bitstore.yaml:2:13: tiers[0].name: pending is what the journal of ack: cache is called; choose another",
    ],
  ])("refuse %s", async (_, text, line) => {
    expect(await yamlMistakes(text)).toEqual([line]);
  });
});

/** An origin behind HTTP that takes puts, once it is up. */
interface ApiOrigin extends AsyncDisposable {
  readonly url: string;
  readonly blobs: Map<string, Buffer>;
  status: number | undefined;
  readonly server: Server;
}

async function apiOrigin(): Promise<ApiOrigin> {
  const blobs = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const name = request.url ?? "";
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "PUT") {
        if (origin.status !== undefined) {
          response.writeHead(origin.status).end();
          return;
        }
        blobs.set(name, Buffer.concat(chunks));
        response.writeHead(201).end();
        return;
      }
      const found = blobs.get(name);
      response.writeHead(found === undefined ? 404 : 200, {
        "content-length": found?.byteLength ?? 0,
      });
      response.end(request.method === "HEAD" ? undefined : found);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const origin: ApiOrigin = {
    url: `http://127.0.0.1:${port}/{hex}`,
    blobs,
    status: 503,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return origin;
}

const limits = { drainMs: 100, cancelMs: 100, retryMs: 5, retryMsMax: 50, takeoverMs: 10 };

async function openAt(origin: ApiOrigin, cwd: string): Promise<OpenComposite> {
  const text = `tiers:\n  - { name: api, url: "${origin.url}", put: true, head: true, origin: true }\nmetadata: ./tags\nack: cache\n`;
  await writeFile(join(cwd, "b.yaml"), text);
  const config = await loadConfig({ cwd, env: {}, file: "b.yaml" });
  return await openComposite(config, { env: {}, random: () => 0 }, { journalLimits: limits });
}

describe("an open config with ack: cache", () => {
  it("acknowledges while the origin is down, and brings the blob there once it is up", async () => {
    await using origin = await apiOrigin();
    const cwd = await folderWith();
    await using opened = await openAt(origin, cwd);
    const { store, journal } = opened;
    const { digest } = await store.put(bytes);
    expect(await textOf(await store.open(digest))).toBe("acknowledged early");
    expect(await store.durable(digest)).toBeUndefined();
    expect(await journal?.status()).toMatchObject({ pendingEntries: 1 });
    origin.status = undefined;
    await journal?.drain(AbortSignal.timeout(20_000));
    expect(await store.durable(digest)).toBeDefined();
    expect(origin.blobs.size).toBe(1);
  });

  it("lets a tag wait until its blob is at the origin", async () => {
    await using origin = await apiOrigin();
    await using opened = await openAt(origin, await folderWith());
    const { digest } = await opened.store.put(bytes);
    const waited: string[] = [];
    const clock = {
      ...systemClock,
      // What takes two seconds is told at once.
      after: (delayMs: number, callback: () => void) =>
        systemClock.after(delayMs === 2000 ? 0 : delayMs, callback),
    };
    const tags = openTags(opened, { clock, onWait: (each) => void waited.push(each) });
    let isSet = false;
    const set = tags.append("a", digest).then((entry) => {
      isSet = true;
      return entry;
    });
    while (waited.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect([isSet, waited]).toEqual([false, [digest]]);
    origin.status = undefined;
    expect((await set).target).toMatchObject({ digest, size: bytes.byteLength });
    expect(origin.blobs.size).toBe(1);
  });

  it("refuses a tag whose blob does not arrive in time, or is refused", async () => {
    await using origin = await apiOrigin();
    await using opened = await openAt(origin, await folderWith());
    const { digest } = await opened.store.put(bytes);
    const impatient = openTags(opened, { settleMs: 20 });
    const late = impatient.append("a", digest);
    await expect(late).rejects.toMatchObject({ code: "UNAVAILABLE", subject: digest });
    origin.status = 403;
    const refused = openTags(opened).append("a", digest);
    await expect(refused).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    expect(await openTags(opened).head("a")).toBeUndefined();
    // An origin that has the blob from before has what the tag needs.
    origin.blobs.set(`/${digest.slice("sha256:".length)}`, Buffer.from(bytes));
    expect((await openTags(opened).append("a", digest)).seq).toBe(1);
  });

  it("opens a second time beside a process that has the journal, and puts to the origin", async () => {
    await using origin = await apiOrigin();
    const cwd = await folderWith();
    await using first = await openAt(origin, cwd);
    const { digest } = await first.store.put(bytes);
    await using second = await openAt(origin, cwd);
    expect(second.journal?.isOwner()).toBe(false);
    // What the first has pending is there for the second too, and its failure is told as what it is.
    expect(await textOf(await second.store.open(digest))).toBe("acknowledged early");
    const put = second.store.put(new TextEncoder().encode("more"));
    await expect(put).rejects.toSatisfy((error) => isStoreError(error, "UNAVAILABLE"));
    await expect(second.store.delete(digest)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    origin.status = undefined;
    const more = await second.store.put(new TextEncoder().encode("more"));
    expect(await second.store.durable(more.digest)).toBeDefined();
  });

  it("pushes back when the journal is full, and lets what is too large go to the origin", async () => {
    // A journal of 30 bytes has one blob of 18: a second has no room, and one of 40 never would, so that
    // it is the origin's to take or refuse.
    await using origin = await apiOrigin();
    const cwd = await folderWith();
    const tier = `{ name: api, url: "${origin.url}", put: true, head: true, origin: true }`;
    const journal = "ack: cache\njournal: { bytesMax: 30 }";
    await writeFile(join(cwd, "b.yaml"), `tiers:\n  - ${tier}\n${journal}\n`);
    const config = await loadConfig({ cwd, env: {}, file: "b.yaml" });
    const options = { journalLimits: { ...limits, waitMs: 20 } };
    await using opened = await openComposite(config, { env: {}, random: () => 0 }, options);
    const { store } = opened;
    const first = await store.put(bytes);
    const second = store.put(bytes.map((byte) => byte + 1));
    await expect(second).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await expect(store.put(new Uint8Array(40))).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await textOf(await store.open(first.digest))).toBe("acknowledged early");
    origin.status = undefined;
    await store.settled(first.digest);
    const large = await store.put(new Uint8Array(40));
    expect(await store.durable(large.digest)).toBeDefined();
    await store.put(bytes.map((byte) => byte + 1));
  });

  it("names blobs by the origin's algorithm", async () => {
    const cwd = await folderWith();
    const text =
      "tiers:\n  - { url: './flat?layout=flat&algorithm=sha1', origin: true }\nack: cache\n";
    await writeFile(join(cwd, "b.yaml"), text);
    const config = await loadConfig({ cwd, env: {}, file: "b.yaml" });
    await using opened = await openComposite(config, { env: {} });
    const { digest } = await opened.store.put(bytes);
    expect(digest).toMatch(/^sha1:/);
    await opened.journal?.drain();
    expect(await readdir(join(cwd, "flat"))).toContain(digest.slice("sha1:".length));
  });

  it("keeps a journal from being used for another origin, or for a folder of other things", async () => {
    const cwd = await folderWith();
    await using origin = await apiOrigin();
    {
      await using opened = await openAt(origin, cwd);
      await opened.store.put(bytes);
    }
    const directory = join(cwd, ".bitstore/journal");
    const journal = { directory, bytesMax: 1, entryBytesMax: 1, concurrencyMax: 1 };
    expect(await readJournalStatus(journal)).toMatchObject({ pendingEntries: 1 });
    await using other = await apiOrigin();
    await expect(openAt(other, cwd)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    const foreign = await folderWith();
    await mkdir(join(foreign, ".bitstore/journal/photos"), { recursive: true });
    await expect(openAt(other, foreign)).rejects.toThrow("photos");
  });
});

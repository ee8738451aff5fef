import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { digestOf } from "@bitstore/core";
import { type BitstoreConfig, loadConfig, namespaceConfig, openWorkspaces } from "../src/index.ts";

let cwd: string;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), "bitstore-namespaces-"));
});

afterEach(async () => {
  await rm(cwd, { recursive: true, force: true });
});

async function configOf(urls: readonly string[], metadata?: string): Promise<BitstoreConfig> {
  const tiers = urls.map((url) => ({ kind: "tier", url }) as const);
  return await loadConfig({ cwd, env: {}, tiers, metadata });
}

const none = { sources: [] };
const bytes = new TextEncoder().encode("a secret of one namespace");

describe("the config of a namespace", () => {
  test("has a place of its own for all that can be written", async () => {
    // Every kind of bucket, a prefix with and without a slash, caches, and the metadata.
    const config = await configOf(
      [
        "memory:?role=cache",
        "./cache?role=cache",
        "s3://caches/blobs/?role=cache",
        "az://container/?role=cache",
        "gs://origin/blobs?origin=true",
      ],
      "s3://metadata/",
    );
    const own = namespaceConfig(config, "team", none);
    expect(own.tiers.map(({ store }) => store.location)).toEqual([
      { kind: "memory" },
      { kind: "file", directory: join(cwd, "cache/.namespaces/team") },
      { kind: "s3", bucket: "caches", prefix: "blobs/namespaces/team/" },
      { kind: "az", service: undefined, container: "container", prefix: "namespaces/team/" },
      { kind: "gs", bucket: "origin", prefix: "blobs/namespaces/team/" },
    ]);
    expect(own.metadata?.location).toMatchObject({ prefix: "namespaces/team/" });
    expect(own.tiers.map(({ name, origin, fill }) => ({ name, origin, fill }))).toEqual(
      config.tiers.map(({ name, origin, fill }) => ({ name, origin, fill })),
    );
    expect(namespaceConfig(config, "default", none)).toBe(config);
  });

  test("has read-only tiers only where they are listed", async () => {
    // What others put into such a tier would be read through it.
    const config = await configOf(
      [
        "memory:?name=mine&origin=true",
        "s3://theirs/?name=theirs",
        "https://x.example/{hex}?name=api",
      ],
      "memory:",
    );
    const names = (sources: readonly string[]): string[] =>
      namespaceConfig(config, "team", { sources }).tiers.map(({ name }) => name);
    expect(names([])).toEqual(["mine"]);
    expect(names(["api"])).toEqual(["mine", "api"]);
    expect(() => names(["ap"])).toThrow("no tier");
    expect(() => names(["mine"])).toThrow("its own part");
    expect(() => namespaceConfig(config, "../x", none)).toThrow("no name");
  });

  test("is refused where a tier that is written to can't be divided", async () => {
    // An API names blobs by their digests alone, for all that ask it.
    const config = await configOf(["https://x.example/{hex}?put=true&origin=true"], "memory:");
    expect(() =>
      openWorkspaces(config, { env: {} }, { namespaces: new Map([["team", none]]) }),
    ).toThrow("divided");
  });
});

describe("namespaces that are open", () => {
  test("share no blob, no cache, no tag and no list", { timeout: 120_000 }, async () => {
    // On directories, so that all is below one root; what one puts the other neither reads nor lists.
    const config = await configOf(["./cache?role=cache", "./blobs?origin=true"], "./metadata");
    const open = openWorkspaces(
      config,
      { env: {} },
      {
        namespaces: new Map([
          ["one", none],
          ["two", none],
        ]),
      },
    );
    await using standard = await open("default");
    await using one = await open("one");
    await using two = await open("two");
    const { digest } = await one.store.put(bytes);
    await one.tags?.append("secret", digest);
    const read = await one.store.open(digest);
    expect(await read?.bytes()).toEqual(Buffer.from(bytes));
    await one.store.drain();
    for (const other of [standard, two]) {
      expect(await other.store.open(digest)).toBeUndefined();
      expect(await other.store.stat(digest)).toBeUndefined();
      expect(await other.store.durable(digest)).toBeUndefined();
      expect(await other.store.delete(digest)).toBe(false);
      expect(await other.tags?.head("secret")).toBeUndefined();
      await expect(other.tags?.append("secret", digest)).rejects.toMatchObject({
        code: "NOT_FOUND",
      });
      for await (const each of other.store.list()) expect(each).toBeUndefined();
      for await (const each of other.tags?.list() ?? []) expect(each).toBeUndefined();
    }
    expect(await one.store.durable(digest)).toMatchObject({ digest });
    expect((await one.tags?.head("secret"))?.namespace).toBe("one");
    // The other way round, and the same blob twice is two blobs.
    const { outcome } = await two.store.put(bytes);
    expect(outcome).toBe("created");
    await standard.store.put(bytes);
    expect(await two.store.delete(digest)).toBe(true);
    expect(await one.store.durable(digest)).toMatchObject({ digest });
    expect(await standard.store.durable(digest)).toMatchObject({ digest });
  });

  test("record weak digests each by itself", { timeout: 120_000 }, async () => {
    // Two files with one SHA-1 must not keep each other out across namespaces.
    const config = await configOf(["memory:?origin=true"], "./metadata");
    const open = openWorkspaces(config, { env: {} }, { namespaces: new Map([["one", none]]) });
    await using standard = await open("default");
    await using one = await open("one");
    const digest = await digestOf(bytes, "sha1");
    await standard.store.put(bytes, { digest });
    expect(await one.store.stat(digest)).toBeUndefined();
    expect(await one.store.put(bytes, { digest })).toMatchObject({ outcome: "created" });
  });

  test("are those that are configured", async () => {
    // Names of objects of every kind, and of what the prototype has.
    const open = openWorkspaces(await configOf(["memory:?origin=true"], "memory:"), { env: {} });
    for (const name of ["team", "", "__proto__", "constructor", "../default"]) {
      await expect(open(name)).rejects.toMatchObject({ code: "NOT_FOUND" });
    }
  });
});

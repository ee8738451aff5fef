import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { defineConfig } from "../src/define-config.ts";
import { loadConfig } from "../src/load-config.ts";
import type { BitstoreConfig } from "../src/store-config.ts";
import { folderWith, mistakes } from "./folder.ts";

const namesOf = (config: BitstoreConfig): readonly string[] => config.tiers.map(({ name }) => name);

describe("loadConfig finds what holds", () => {
  it("is the embedded default where nothing is said: one directory, its metadata beside it", async () => {
    const cwd = await folderWith();
    const config = await loadConfig({ cwd, env: {} });
    expect(config).toMatchObject({ file: undefined, server: {} });
    expect(config.tiers).toHaveLength(1);
    expect(config.tiers[0]).toMatchObject({
      name: "blobs",
      role: "source",
      origin: true,
      readOnly: false,
      fill: [],
      store: { location: { kind: "file", directory: join(cwd, ".bitstore/blobs") }, create: true },
    });
    expect(config.metadata?.location).toEqual({
      kind: "file",
      directory: join(cwd, ".bitstore/metadata"),
    });
  });

  it("takes --config before BITSTORE_CONFIG before yaml before yml before json, and looks no higher", async () => {
    // Each candidate names its tier after itself; taking the winner away shows the next one.
    const tier = (name: string): string => `{ "tiers": [{ "name": "${name}", "url": "./b" }] }`;
    const cwd = await folderWith({
      "option.yaml": tier("option"),
      "variable.json": tier("variable"),
      "bitstore.yaml": tier("yaml"),
      "bitstore.yml": tier("yml"),
      "bitstore.json": tier("json"),
      "below/x": "",
    });
    const env = { BITSTORE_CONFIG: "variable.json" };
    const { rm } = await import("node:fs/promises");
    expect(namesOf(await loadConfig({ cwd, env, file: "option.yaml" }))).toEqual(["option"]);
    expect(namesOf(await loadConfig({ cwd, env }))).toEqual(["variable"]);
    expect(namesOf(await loadConfig({ cwd, env: { BITSTORE_CONFIG: "" } }))).toEqual(["yaml"]);
    await rm(join(cwd, "bitstore.yaml"));
    expect(namesOf(await loadConfig({ cwd, env: {} }))).toEqual(["yml"]);
    await rm(join(cwd, "bitstore.yml"));
    const last = await loadConfig({ cwd, env: {} });
    expect(namesOf(last)).toEqual(["json"]);
    expect(last.file).toBe(join(cwd, "bitstore.json"));
    expect(namesOf(await loadConfig({ cwd: join(cwd, "below"), env: {} }))).toEqual(["blobs"]);
  });

  it("refuses a file that was named and is not there", async () => {
    const cwd = await folderWith();
    expect(await mistakes(cwd, { file: "no.yaml" })).toMatchObject({
      code: "CONFIG_INVALID",
      message: `configure --config: there is no file ${cwd}/no.yaml; bitstore init writes one`,
    });
    expect(await mistakes(cwd, { env: { BITSTORE_CONFIG: "no.yaml" } })).toMatchObject({
      message: `configure BITSTORE_CONFIG: there is no file ${cwd}/no.yaml; bitstore init writes one`,
    });
    expect((await mistakes(cwd, { file: "" })).code).toBe("CONFIG_INVALID");
    expect((await mistakes(cwd, { file: "a\0b" })).message).toContain("a\\u0000b");
  });

  it("takes a file that says nothing as none", async () => {
    const cwd = await folderWith({ "bitstore.yaml": "# nothing yet\n" });
    const config = await loadConfig({ cwd, env: {} });
    expect(namesOf(config)).toEqual(["blobs"]);
    expect(config.metadata).toBeDefined();
  });
});

describe("the example of the documentation", () => {
  it("resolves as it is described", async () => {
    // Paths start from the file, sizes are in bytes, fill defaults to the caches before, nearest
    // first, and nothing is writable but the origin and the caches.
    const cwd = await folderWith({
      "etc/bitstore.yaml": `
tiers:                                   # asked in this order
  - { name: memory, url: "memory:", role: cache, bytesMax: 256MiB }
  - { name: disk, url: "./.bitstore/cache", role: cache, bytesMax: 50GiB }
  - { name: customer, url: "s3://aws-customer-data/files/" }
  - { name: ours, url: "gs://my-project/blobs/", origin: true }     # puts go here
  - { name: api-cache, url: "gs://cache-for-api/", role: cache }
  - { name: api, url: "https://api.example.com/blobs/{hex}", fill: [api-cache, disk, memory] }
metadata: "s3://my-metadata/bitstore/"
server: { host: 127.0.0.1, port: 7070, auth: { kind: none } }
`,
    });
    const config = await loadConfig({ cwd, env: {}, file: "etc/bitstore.yaml" });
    const rows = config.tiers.map((tier) => [
      tier.name,
      tier.role,
      tier.readOnly,
      tier.heal,
      tier.fill.join(),
    ]);
    expect(rows).toEqual([
      ["memory", "cache", false, true, ""],
      ["disk", "cache", false, true, "memory"],
      ["customer", "source", true, false, "disk,memory"],
      ["ours", "source", false, false, "disk,memory"],
      ["api-cache", "cache", false, true, "disk,memory"],
      ["api", "source", true, false, "api-cache,disk,memory"],
    ]);
    expect(config.tiers.map(({ origin }) => origin).indexOf(true)).toBe(3);
    expect(config.tiers.map(({ bytesMax }) => bytesMax)).toEqual([
      256 * 2 ** 20,
      50 * 2 ** 30,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(config.tiers[1]?.store.location).toEqual({
      kind: "file",
      directory: join(cwd, "etc/.bitstore/cache"),
    });
    expect(config.metadata?.location).toEqual({
      kind: "s3",
      bucket: "my-metadata",
      prefix: "bitstore/",
    });
    expect(config.server).toEqual({ host: "127.0.0.1", port: 7070, auth: { kind: "none" } });
  });

  it("says the same as JSON, with tabs, and as a module", async () => {
    const json = `{\n\t"tiers": [\n\t\t{ "url": "memory:", "role": "cache" },\n\t\t{ "url": "./b", "price": 0.0000004 }\n\t]\n}\n`;
    const cwd = await folderWith({
      "bitstore.json": json,
      "c.ts": `const tiers: readonly object[] = [{ url: "memory:", role: "cache" }, { url: "./b", price: 0.0000004, name: undefined }];\nexport default { tiers };\n`,
    });
    const fromJson = await loadConfig({ cwd, env: {} });
    const fromModule = await loadConfig({ cwd, env: {}, file: "c.ts" });
    expect(fromModule.tiers).toEqual(fromJson.tiers);
    expect(fromJson.tiers[1]?.price).toEqual({ perRequest: 4e-7, currency: "USD" });
  });

  it("takes what defineConfig has types for, and folders of secrets from where the file is", async () => {
    const written = defineConfig({
      tiers: [
        { url: "./c", role: "cache", bytesMax: "1GiB" },
        {
          url: "https://h/{hex}?header.x-a=file:a",
          headers: { "x-b": "file:b" },
          fill: ["c"],
          price: 0.5,
          requestsPerSecondMax: 3,
        },
        { url: "s3://models/", origin: true, partBytes: "16MiB", credentials: ["default"] },
      ],
      metadata: { url: "s3://tags/", region: "x", credentials: { profile: "p" } },
      server: { port: 1 },
    });
    const cwd = await folderWith({ "bitstore.json": JSON.stringify(written) });
    const config = await loadConfig({ cwd, env: {} });
    expect(config.tiers[1]).toMatchObject({
      fill: ["c"],
      price: { perRequest: 0.5, currency: "USD" },
      store: {
        connection: {
          headers: { "x-a": `file:${cwd}/a`, "x-b": `file:${cwd}/b` },
          requestsPerSecondMax: 3,
        },
      },
    });
    expect(config.tiers[2]).toMatchObject({
      store: { connection: { partBytes: 16 * 2 ** 20 }, credentials: [{ kind: "default" }] },
    });
    expect(config.metadata).toMatchObject({
      connection: { region: "x" },
      credentials: [{ kind: "profile", profile: "p" }],
      create: true,
    });
  });

  it("names the line of a mistake in JSON, and the key of one in a module", async () => {
    const cwd = await folderWith({
      "bitstore.json": `{\n\t"tiers": [\n\t\t{ "url": "./b", "rol": "cache" }\n\t]\n}\n`,
      "c.ts": `export default { tiers: [{ url: "./b", rol: "cache" }, { url: () => "x" }] };`,
      "d.ts": "export const config = {};",
      "e.ts": "throw new Error('broken');",
    });
    expect((await mistakes(cwd)).lines).toEqual([
      'bitstore.json:3:19: tiers[0].rol: unknown key, did you mean "role"?',
    ]);
    expect((await mistakes(cwd, { file: "c.ts" })).lines).toEqual([
      "c.ts: tiers[1].url: is a function; a config is plain data",
      'c.ts: tiers[0].rol: unknown key, did you mean "role"?',
    ]);
    expect((await mistakes(cwd, { file: "d.ts" })).lines).toEqual([
      "d.ts: has no default export; export default defineConfig({ … })",
    ]);
    expect((await mistakes(cwd, { file: "e.ts" })).lines).toEqual([
      "e.ts: could not be run: broken",
    ]);
    expect((await mistakes(cwd, { file: "../x.toml" })).message).toContain("there is no file");
  });
});

describe("the command line", () => {
  it("puts --tier and --cache in the place of the file's tiers, in their order, and keeps the rest", async () => {
    const cwd = await folderWith({
      "bitstore.yaml": "tiers: [{ url: ./a }]\nmetadata: ./m\nserver: { port: 1 }\n",
    });
    const config = await loadConfig({
      cwd,
      env: {},
      tiers: [
        { kind: "cache", url: "memory:" },
        { kind: "tier", url: "s3://models/" },
        { kind: "cache", url: "./c" },
        { kind: "tier", url: "https://api.example.com/{hex}" },
      ],
    });
    expect(
      config.tiers.map((tier) => [tier.name, tier.role, tier.origin, tier.fill.join()]),
    ).toEqual([
      ["memory", "cache", false, ""],
      ["s3-models", "source", true, "memory"],
      ["c", "cache", false, "memory"],
      ["api.example.com", "source", false, "c,memory"],
    ]);
    expect(config.metadata?.location).toEqual({ kind: "file", directory: join(cwd, "m") });
    expect(config.server).toEqual({ port: 1 });
  });

  it("puts --cache alone in front of the file's tiers, and --metadata in the place of the file's", async () => {
    const cwd = await folderWith({ "bitstore.yaml": "tiers: [{ url: ./a }]\nmetadata: ./m\n" });
    const config = await loadConfig({
      cwd,
      env: {},
      tiers: [{ kind: "cache", url: "./c" }],
      metadata: "gs://tags-bucket/x",
    });
    expect(namesOf(config)).toEqual(["c", "a"]);
    expect(config.metadata?.location).toEqual({ kind: "gs", bucket: "tags-bucket", prefix: "x/" });
  });

  it("has no metadata with tiers of its own, unless another bitstore is the only one", async () => {
    const cwd = await folderWith();
    const load = async (...urls: readonly string[]): Promise<BitstoreConfig> =>
      await loadConfig({ cwd, env: {}, tiers: urls.map((url) => ({ kind: "tier", url })) });
    expect((await load("./a")).metadata).toBeUndefined();
    const sole = await load("bitstore+https://h?role=source&timeoutMs=5");
    expect(sole.metadata).toMatchObject({
      location: { kind: "bitstore" },
      connection: { timeoutMs: 5 },
    });
    expect((await load("bitstore+https://h", "./a")).metadata).toBeUndefined();
  });

  it("says INVALID_ARGUMENT where only arguments are wrong, all of them, without secrets", async () => {
    const cwd = await folderWith();
    const result = await mistakes(cwd, {
      tiers: [
        { kind: "tier", url: "s3://KEY:SECRET@models/" },
        { kind: "cache", url: "./c?role=source" },
        { kind: "tier", url: "gcs://b" },
      ],
      metadata: "nope://x",
    });
    expect(result.code).toBe("INVALID_ARGUMENT");
    expect(result.lines.map((line) => line.slice(0, 60))).toEqual([
      "--tier s3://***@models/: has user info in it, and URLs are p",
      "--cache ./c?role=source: --cache makes a cache of it; leave ",
      "--tier gcs://b: unknown scheme gcs:, did you mean gs://?",
      "--metadata nope://x: unknown scheme nope:, known are s3, gs,",
    ]);
    expect(result.message).not.toContain("SECRET");
    const origins = await mistakes(cwd, {
      tiers: [
        { kind: "tier", url: "./a?origin" },
        { kind: "tier", url: "./b?origin" },
      ],
    });
    expect(origins.lines).toEqual([
      "--tier ./b?origin: another tier is the origin already; puts go to one",
    ]);
  });
});

import { readdir, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BlobApi, openBlobApi } from "./support/blob-api.ts";
import { absent, seeded, sha256 } from "./support/digests.ts";
import { openPlace, type Place } from "./support/run-bitstore.ts";

/** Shows `cp`, `verify` and `cache` between directories, and with an HTTP API. */
describe("looking after stores", () => {
  let place: Place;
  let api: BlobApi;
  const blobs = [1, 2, 3].map((seed) => seeded(1000 * seed, seed));
  beforeAll(async () => {
    place = await openPlace();
    api = await openBlobApi();
    for (const [at, bytes] of blobs.entries()) await writeFile(place.path(`${at}`), bytes);
    await place.run(["put", "0", "1", "2"]);
  });
  afterAll(async () => {
    await api[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  /** Where a directory store keeps a blob. */
  const fileOf = (store: string, digest: string): string => {
    const hex = digest.slice("sha256:".length);
    return place.path(store, "sha256", hex.slice(0, 2), hex.slice(2, 4), hex);
  };
  const from = ["cp", "--from", "./.bitstore/blobs"];

  it("mirrors what a store lists, skips it the next time, and mends what differs in size", async () => {
    const first = await place.run([...from, "--to", "./mirror", "--json"]);
    expect(first.status).toBe(0);
    expect(first.records.map(({ status }) => status)).toEqual(["copied", "copied", "copied"]);
    const digest = sha256(blobs[0] ?? "");
    await writeFile(fileOf("mirror", digest), "cut short");
    const second = await place.run([...from, "--to", "./mirror"]);
    expect(second).toMatchObject({ status: 0, stdout: "" });
    expect(second.stderr).toMatch(/^note: 1 blob copied, 2 there already; 1000 B in /);
    expect((await readFile(fileOf("mirror", digest))).equals(blobs[0] ?? Buffer.of())).toBe(true);
    expect((await place.run(["verify", "--tier", "./mirror"])).status).toBe(0);
  });

  it("copies given digests, verified, from an API that can't list", async () => {
    const right = api.add(Buffer.from("from the API"));
    const wrong = sha256("what it should be");
    api.answer(wrong, (_request, response) => response.writeHead(200).end("something else"));
    const input = `${right}\n${wrong}\nnonsense\n${absent}\n`;
    const words = ["cp", "-", "--from", api.url, "--to", "./fromapi", "--json"];
    const cp = await place.run(words, { input });
    expect(cp.records).toMatchObject([
      { digest: right, status: "copied", size: 12 },
      { digest: wrong, status: "failed", error: { attempts: [{ outcome: "corrupt" }] } },
      { digest: "nonsense", status: "failed", error: { code: "INVALID_ARGUMENT" } },
      { digest: absent, status: "missing" },
    ]);
    expect(cp.status).toBe(7);
    expect((await place.run(["ls", "--tier", "./fromapi"])).stdout).toBe(`${right}  12\n`);
    const unlisted = await place.run(["cp", "--from", api.url, "--to", "./fromapi"]);
    expect(unlisted.status).toBe(2);
    expect(unlisted.stderr).toMatch(/can't list; give the digests/);
  });

  it("refuses tiers beside --from and --to, half of them, and a store it can't write", async () => {
    const tiers = await place.run([...from, "--to", "./mirror", "--tier", "./x"]);
    expect(tiers).toMatchObject({ status: 2, stdout: "" });
    expect((await place.run(from)).status).toBe(2);
    const readOnly = await place.run([...from, "--to", api.url]);
    expect(readOnly.status).toBe(2);
    expect(readOnly.stderr).toMatch(/can't put/);
  });

  it("verifies every tier, and reports what is corrupt with 4", async () => {
    await place.run([...from, "--to", "./rotten"]);
    const digest = sha256(blobs[1] ?? "");
    await writeFile(fileOf("rotten", digest), seeded(2000, 99));
    const words = [
      "verify",
      "--tier",
      "./.bitstore/blobs?name=good",
      "--tier",
      "./rotten?name=bad",
    ];
    const text = await place.run(words);
    expect(text.status).toBe(4);
    const lines = text.stdout.split("\n");
    expect(lines[0]).toMatch(new RegExp(`^corrupt {2}bad {2}${digest} {2}the bytes are`));
    expect(lines.slice(1).map((line) => line.split(/ +/))).toEqual([
      ["TIER", "OK", "CORRUPT", "MISSING", "FAILED", "BYTES"],
      ["good", "3", "0", "0", "0", "5.9", "KiB"],
      ["bad", "2", "1", "0", "0", "3.9", "KiB"],
      [""],
    ]);
    const json = await place.run([...words, "--json"]);
    expect(json.records).toHaveLength(8);
    expect(json.records.at(-1)).toEqual({
      tier: "bad",
      ok: 2,
      corrupt: 1,
      missing: 0,
      failed: 0,
      bytes: 4000,
    });
  });

  it("verifies one tier by its name, and given digests in all", async () => {
    await writeFile(
      place.path("two.yaml"),
      "tiers:\n  - { name: good, url: ./.bitstore/blobs }\n  - { name: bad, url: ./rotten }\n",
    );
    const config = ["--config", "two.yaml"];
    const one = await place.run(["verify", "--tier", "good", ...config, "--json"]);
    expect(one.status).toBe(0);
    expect(one.records.every(({ tier }) => tier === "good")).toBe(true);
    const given = await place.run(["verify", sha256(blobs[0] ?? ""), absent, ...config, "--json"]);
    expect(given.status).toBe(3);
    expect(given.records.map(({ tier, status }) => [tier, status]).slice(0, 4)).toEqual([
      ["good", "ok"],
      ["bad", "ok"],
      ["good", "missing"],
      ["bad", "missing"],
    ]);
    const unknown = await place.run(["verify", "--tier", "goof", ...config]);
    expect(unknown).toMatchObject({ status: 2, stdout: "" });
    expect(unknown.stderr).toBe(
      'bitstore: no tier is named "goof"\n' +
        "hint: they are good, bad; a folder is written with a slash, as ./goof\n",
    );
  });

  it("leaves tiers out that can't list, with a note", async () => {
    const tiers = ["--tier", "./.bitstore/blobs", "--tier", `${api.url}?name=api`];
    const verify = await place.run(["verify", ...tiers]);
    expect(verify.status).toBe(0);
    expect(verify.stderr).toMatch(/^note: left out, since it can't list: api; give the digests/);
    expect((await place.run(["verify", "--tier", api.url])).status).toBe(2);
  });

  it("shows what a cache on disk holds, and makes it smaller", async () => {
    const tiers = ["--cache", "./kept?name=kept&bytesMax=1MiB", "--tier", "./.bitstore/blobs"];
    const before = await place.run(["cache", "stats", "--json", ...tiers]);
    expect(before.records).toMatchObject([{ tier: "kept", entries: 0, bytesMax: 2 ** 20 }]);
    // Asking makes no cache where none is.
    expect(await readdir(place.folder)).not.toContain("kept");
    for (const bytes of blobs) await place.run(["get", sha256(bytes), "-o", "x", ...tiers]);
    const stats = await place.run(["cache", "stats", ...tiers]);
    expect(stats).toMatchObject({ status: 0, stderr: "" });
    const rows = stats.stdout.split("\n").map((line) => line.split(/ {2,}/));
    expect(rows[1]?.slice(0, 4)).toEqual(["kept", "3", "5.9 KiB", "1.0 MiB"]);
    const prune = await place.run(["cache", "prune", "--bytes-max", "0", ...tiers]);
    expect(prune).toMatchObject({ status: 0, stdout: "kept: removed 3 blobs, 5.9 KiB\n" });
    const after = await place.run(["cache", "stats", "--json", ...tiers]);
    expect(after.records).toMatchObject([{ entries: 0 }]);
    const old = await place.run(["cache", "prune", "--older-than", "30d", "--json", ...tiers]);
    expect(old.records).toEqual([{ tier: "kept", entries: 0, bytes: 0 }]);
  });

  it("wants to be told what may go from a cache, and a cache", async () => {
    const aim = await place.run(["cache", "prune", "--cache", "./kept"]);
    expect(aim).toMatchObject({ status: 2, stdout: "" });
    expect((await place.run(["cache", "prune", "--older-than", "3 days"])).status).toBe(2);
    expect((await place.run(["cache", "prune", "--bytes-max", "lots"])).status).toBe(2);
    const none = await place.run(["cache", "stats"]);
    expect(none).toMatchObject({ status: 2, stdout: "" });
    expect(none.stderr).toMatch(/no tier is a cache/);
    expect((await place.run(["cache"])).status).toBe(2);
    const memory = await place.run(["cache", "stats", "--cache", "memory:"]);
    expect(memory).toMatchObject({ status: 0, stdout: "" });
    expect(memory.stderr).toMatch(/^note: memory .* ends with each process: left out/);
  });
});

import { mkdir, readdir, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findingsTables, findingsWords } from "../src/doctor/findings-table.ts";
import { type BlobApi, openBlobApi } from "./support/blob-api.ts";
import { openCarelessS3 } from "./support/careless-s3.ts";
import { sha256 } from "./support/digests.ts";
import { openPlace, type Place } from "./support/run-bitstore.ts";

/** Shows `doctor`: its table and what it says below, its JSON, its statuses, what it leaves alone. */
describe("doctor", () => {
  let place: Place;
  let api: BlobApi;
  const bitstore = (...args: string[]) => place.run(["doctor", "--no-throughput", ...args]);
  beforeAll(async () => {
    place = await openPlace();
    api = await openBlobApi();
    await writeFile(place.path("one"), "one");
    await place.run(["put", "one"]);
  });
  afterAll(async () => {
    await api[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  it("shows a question a row and a tier a column, and leaves nothing behind", async () => {
    const ended = await bitstore();
    expect(ended).toMatchObject({ status: 0, stderr: "" });
    const lines = ended.stdout.split("\n").map((line) => line.trim().split(/ {2,}/));
    expect(lines[0]).toEqual(["blobs", "metadata"]);
    expect(lines).toContainEqual(["does it answer?", "yes", "yes"]);
    expect(lines).toContainEqual(["does the second creator of a key lose?", "yes", "yes"]);
    expect(lines).toContainEqual(["how fast is it, roughly?", "-", "-"]);
    expect(Math.max(...ended.stdout.split("\n").map((line) => line.length))).toBeLessThan(100);
    for (const folder of ["blobs", "metadata"]) {
      expect(await readdir(place.path(".bitstore", folder))).not.toContain("_doctor");
    }
    expect((await place.run(["ls"])).stdout).toBe(`${sha256("one")}  3\n`);
  });

  it("tells each answer as JSON", async () => {
    const { records, status } = await bitstore("--json");
    expect(status).toBe(0);
    expect(records).toContainEqual(
      expect.objectContaining({
        tier: "metadata",
        kind: "metadata",
        mayWrite: true,
        probe: "racing-creators",
        outcome: "yes",
        elapsedMs: expect.any(Number),
      }),
    );
    expect(new Set(records.map(({ tier }) => tier))).toEqual(new Set(["blobs", "metadata"]));
  });

  it("writes to no read-only tier, asks no API that costs, and makes a cache that stays one", async () => {
    await mkdir(place.path("customer"));
    const text = [
      "tiers:",
      "  - { name: disk, url: ./near, role: cache }",
      "  - { name: customer, url: ./customer }",
      "  - { name: ours, url: ./.bitstore/blobs, origin: true }",
      `  - { name: api, url: "${api.url}", price: 0.002USD }`,
    ].join("\n");
    await writeFile(place.path("tiers.yaml"), text);
    const ended = await bitstore("--config", "tiers.yaml");
    expect(ended.status).toBe(0);
    expect(ended.stdout).toContain("\nnothing was written to customer, api: read-only\n");
    expect(ended.stdout).toMatch(
      /^no {2}api: is it free of charge\?\n {4}a request costs 0.002 USD$/m,
    );
    expect(ended.stderr).toContain("there is no metadata, so no tags");
    expect(await readdir(place.path("customer"))).toEqual([]);
    expect(api.requests).toEqual([]);
    const get = await place.run(["get", sha256("one"), "--config", "tiers.yaml"]);
    expect(get).toMatchObject({ status: 0, stdout: "one" });
  });

  it("exits with 7 where something can't be reached, and goes on with the rest", async () => {
    const tiers = ["--tier", "./.bitstore/blobs?origin=true", "--tier", "http://127.0.0.1:1/{hex}"];
    const ended = await bitstore(...tiers, "--metadata", "./.bitstore/metadata");
    expect(ended.status).toBe(7);
    expect(ended.stdout).toMatch(/^does it answer\? +yes +no +yes$/m);
    expect(ended.stdout).toContain("correct the address, the credentials or the network");
    const other = await bitstore("--tier", "bitstore+https://bitstore.example", "--json");
    expect(other.status).toBe(7);
    expect(other.records).toContainEqual(
      expect.objectContaining({ probe: "reachable", outcome: "no" }),
    );
  });

  it("exits with 2 where the metadata bucket does not heed create-if-absent", async () => {
    await using careless = await openCarelessS3();
    const where = ["--tier", "./.bitstore/blobs", "--metadata", careless.url];
    const ended = await bitstore(...where);
    expect(ended.status).toBe(2);
    expect(ended.stdout).toMatch(/^does the second creator of a key lose\? +yes +no$/m);
    expect(ended.stdout).toContain("Tags can't be kept here");
    expect([...careless.objects.keys()]).toEqual([]);
    // The same as a tier is no reason to fail: blobs are named by what they are.
    const tier = await bitstore("--tier", careless.url, "--metadata", "./.bitstore/metadata");
    expect(tier.status).toBe(0);

    const set = ["tag", "set", "x", sha256("one"), ...where];
    const refused = await place.run(set);
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toMatch(/two writers may both win[^]*\nhint: .*--unsafe-single-writer/);
    const forced = await place.run([...set, "--unsafe-single-writer"]);
    expect(forced).toMatchObject({ status: 0, stdout: `${sha256("one")}  x@1\n` });
    expect((await place.run(["tag", "ls", ...where])).stdout).toBe("x\n");
  });

  it("lays wide findings out in several tables, and escapes what a service says", () => {
    const result = {
      question: "does it answer?",
      outcome: "no",
      detail: "\u001b[2J",
      meaning: "Nothing can be read.",
      code: undefined,
      figures: {},
      elapsedMs: 1,
      name: "reachable",
    } as const;
    const all = Array.from({ length: 12 }, (_, index) => ({
      patient: {
        name: `a-long-name-${index}`,
        kind: "source",
        location: "",
        mayWrite: false,
        store: { location: { kind: "memory" }, connection: {}, credentials: [] },
        price: undefined,
        metadata: undefined,
      } as const,
      results: [result],
    }));
    const plain = (_style: string, text: string): string => text;
    const lines = findingsTables(all, plain);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(lines.join("\n").match(/a-long-name-/g)).toHaveLength(12);
    const [first] = all;
    expect(first && findingsWords(first, plain)).toEqual([
      "no  a-long-name-0: does it answer?",
      "    \\u001b[2J",
      "    Nothing can be read.",
    ]);
  });
});

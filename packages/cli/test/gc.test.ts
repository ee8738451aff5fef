import { readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "./support/digests.ts";
import { openPlace, type Place } from "./support/run-bitstore.ts";

const texts = ["tagged", "once tagged", "in a collection", "pinned", "garbage"];
const garbage = sha256("garbage");

/** Shows `gc`: that a dry run changes nothing, and that what is deleted was named by nothing. */
describe("gc", () => {
  let place: Place;
  const bitstore = (...args: string[]) => place.run(args);
  beforeAll(async () => {
    place = await openPlace();
    for (const text of texts) await writeFile(place.path(text.replaceAll(" ", "-")), text);
  });
  afterAll(async () => place[Symbol.asyncDispose]());

  const names = texts.map((text) => text.replaceAll(" ", "-"));
  const store = (): string => place.path(".bitstore", "blobs");

  /** Has everything in the store be of three hours ago, by the only clock that counts: the files'. */
  async function age(): Promise<void> {
    const then = new Date(Date.now() - 3 * 3_600_000);
    for (const name of await readdir(store(), { recursive: true, withFileTypes: true })) {
      if (name.isFile()) await utimes(join(name.parentPath, name.name), then, then);
    }
  }

  async function blobs(): Promise<readonly string[]> {
    return (await bitstore("ls")).stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(0, 71));
  }

  it("refuses where no tag was ever set, and options that contradict each other", async () => {
    await bitstore("put", ...names);
    const early = await bitstore("gc");
    expect(early).toMatchObject({ status: 2, stdout: "" });
    expect(early.stderr).toContain("everything would be garbage");
    for (const words of [
      ["--delete", "--dry-run"],
      ["--delete", "--enable"],
      ["--delete", "--grace", "2h"],
      ["--grace", "soon"],
      ["--keep-versions", "0"],
      ["--tier", "nope"],
    ]) {
      expect(await bitstore("gc", ...words)).toMatchObject({ status: 2, stdout: "" });
    }
    const none = await bitstore("gc", "--tier", "./.bitstore/blobs");
    expect(none).toMatchObject({ status: 2, stdout: "" });
    expect(none.stderr).toContain("--metadata URL");
  });

  it("reports in a dry run what it would do, and changes nothing", async () => {
    await bitstore("tag", "set", "t", sha256("once tagged"));
    await bitstore("tag", "set", "t", sha256("tagged"));
    await bitstore("tag", "pin", sha256("pinned"));
    await place.bash("mkdir folder && cp in-a-collection folder/file");
    await bitstore("tag", "set", "c", "--collection", "folder");
    const before = await blobs();
    const young = await bitstore("gc", "--json");
    expect(young.records).toMatchObject([
      {
        dryRun: true,
        marks: { tags: 2, entries: 3, collections: 1, pins: 1 },
        tiers: [
          {
            tier: "blobs",
            enabled: false,
            fates: { named: { count: 5 }, young: { count: 1 }, swept: { count: 0 } },
            byPinAlone: { count: 1 },
          },
        ],
      },
    ]);
    await age();
    const old = await bitstore("gc", "--grace", "1h");
    expect(old.status).toBe(0);
    expect(old.stdout).toMatch(/^would go to the trash: nothing names it +1 +7 B$/m);
    expect(old.stderr).toContain("bitstore gc --enable for blobs");
    const versions = await bitstore("gc", "--grace", "1h", "--keep-versions", "1", "--json");
    expect(versions.records).toMatchObject([{ tiers: [{ fates: { swept: { count: 2 } } }] }]);
    const days = await bitstore("gc", "--grace", "1h", "--keep-days", "1", "--json");
    expect(days.records).toMatchObject([{ tiers: [{ fates: { swept: { count: 1 } } }] }]);
    expect(await blobs()).toEqual(before);
  });

  it("deletes only where it is enabled, and only what nothing names", async () => {
    const refused = await bitstore("gc", "--delete");
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toMatch(/not enabled[^]*\nhint: bitstore gc --enable/);
    const enabled = await bitstore("gc", "--enable", "--grace", "1h");
    expect(enabled).toMatchObject({ status: 0, stdout: "blobs  enabled  grace 1h 00m\n" });
    expect((await bitstore("gc", "--delete")).status).toBe(5);

    await age();
    const before = await blobs();
    const swept = await bitstore("gc", "--delete");
    expect(swept).toMatchObject({ status: 0, stderr: "" });
    expect(swept.stdout).toMatch(/^moved to the trash: nothing names it +1 +7 B$/m);
    expect(await blobs()).toEqual(before.filter((digest) => digest !== garbage));
    for (const text of texts.slice(0, -1)) {
      expect((await bitstore("get", sha256(text))).stdout).toBe(text);
    }
    const out = await bitstore("get", "@c", "-o", "again");
    expect(out.status).toBe(0);
    expect(await readFile(place.path("again", "file"), "utf8")).toBe("in a collection");
    // Until it is purged, a read brings it back.
    expect((await bitstore("get", garbage)).stdout).toBe("garbage");
    expect(await blobs()).toEqual(before);
  });

  it("collects no cache on a disk and no read-only tier", async () => {
    const text = [
      "tiers:",
      "  - { name: disk, url: ./near, role: cache }",
      "  - { name: customer, url: ./customer }",
      "  - { name: ours, url: ./.bitstore/blobs, origin: true }",
      "metadata: ./.bitstore/metadata",
    ].join("\n");
    await writeFile(place.path("tiers.yaml"), text);
    const gc = await bitstore("gc", "--config", "tiers.yaml", "--json");
    expect(gc.records).toMatchObject([{ tiers: [{ tier: "ours" }] }]);
    for (const name of ["disk", "customer"]) {
      const refused = await bitstore("gc", "--config", "tiers.yaml", "--tier", name);
      expect(refused).toMatchObject({ status: 2, stdout: "" });
      expect(refused.stderr).toContain(`${name} is not collected: `);
    }
    await rm(place.path("tiers.yaml"));
  });
});

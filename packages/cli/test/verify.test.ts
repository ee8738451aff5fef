import { readdir, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seeded, sha256 } from "./support/digests.ts";
import { openPlace, type Place } from "./support/run-bitstore.ts";

/** Shows what `verify` does beside reading all: repairs, quick looks, budgets and cursors. */
describe("verify", () => {
  let place: Place;
  const blobs = [1, 2, 3, 4].map((seed) => seeded(1000, seed));
  const digests = blobs.map((bytes) => sha256(bytes)).sort();
  const [first = "", second = ""] = digests;
  beforeAll(async () => {
    place = await openPlace();
    for (const [at, bytes] of blobs.entries()) await writeFile(place.path(`${at}`), bytes);
    await place.run(["put", "0", "1", "2", "3"]);
    await writeFile(
      place.path("heal.yaml"),
      "tiers:\n" +
        "  - { name: ours, url: ./.bitstore/blobs, origin: true }\n" +
        "  - { name: copy, url: ./copy, heal: true, readOnly: false }\n" +
        "  - { name: theirs, url: ./theirs }\n",
    );
    for (const to of ["./copy", "./theirs"]) {
      await place.run(["cp", "--from", "./.bitstore/blobs", "--to", to]);
    }
  });
  afterAll(async () => await place[Symbol.asyncDispose]());

  const fileOf = (store: string, digest: string): string => {
    const hex = digest.slice("sha256:".length);
    return place.path(store, "sha256", hex.slice(0, 2), hex.slice(2, 4), hex);
  };
  const config = ["--config", "heal.yaml"];

  it("repairs what may be repaired, keeps what was wrong, and tells of the rest with 4", async () => {
    for (const store of ["copy", "theirs"]) await writeFile(fileOf(store, first), seeded(1000, 9));
    const told = await place.run(["verify", ...config, "--json"]);
    expect(told.status).toBe(4);
    const wrong = told.records.filter(({ status }) => status === "corrupt");
    expect(wrong.map(({ tier, repair }) => [tier, repair])).toEqual([
      ["copy", undefined],
      ["theirs", undefined],
    ]);
    const repair = await place.run(["verify", "--repair", ...config]);
    expect(repair.status).toBe(4);
    const lines = repair.stdout.split("\n").map((line) => line.split(/ {2,}/));
    expect(lines[0]?.slice(0, 3)).toEqual(["corrupt", "copy", first]);
    expect(lines[0]?.at(-1)).toBe("repaired");
    expect(lines[1]?.at(-1)).toBe("not-allowed");
    expect(lines[2]).toEqual(["TIER", "OK", "CORRUPT", "MISSING", "FAILED", "REPAIRED", "BYTES"]);
    expect(sha256(await readFile(fileOf("copy", first)))).toBe(first);
    expect(await readdir(place.path("copy"))).toContain("quarantine");
    expect(await readdir(place.path("theirs"))).not.toContain("quarantine");
    const copy = await place.run(["verify", "--tier", "copy", ...config, "--json"]);
    expect(copy).toMatchObject({ status: 0 });
    expect(copy.records.at(-1)).toMatchObject({ ok: 4, corrupt: 0 });
  });

  it("counts what was repaired toward no exit status", async () => {
    await writeFile(fileOf("copy", second), "short");
    const words = ["verify", "--repair", "--tier", "copy", ...config, "--json"];
    const repair = await place.run(words);
    expect(repair.status).toBe(0);
    const found = repair.records.find(({ digest }) => digest === second);
    expect(found).toMatchObject({ status: "corrupt", repair: "repaired" });
    expect(repair.records.at(-1)).toMatchObject({ ok: 3, corrupt: 1, repaired: 1 });
  });

  it("looks quickly at sizes, and reads where they differ", async () => {
    await writeFile(fileOf("copy", second), "short");
    const quick = await place.run(["verify", "--quick", ...config, "--json"]);
    expect(quick.status).toBe(4);
    const wrong = quick.records.filter(({ status }) => status === "corrupt");
    expect(wrong.map(({ tier, digest }) => [tier, digest])).toEqual([["copy", second]]);
    // The rot of the first test has the right size, which a quick look can't tell.
    const text = await place.run(["verify", "--quick", "--tier", "theirs", ...config]);
    expect(text.status).toBe(0);
    expect(text.stdout.split("\n")[0]?.split(/ +/)).toContain("UNREAD");
    await place.run(["verify", "--repair", "--tier", "copy", ...config]);
  });

  it("goes on in the next run where a budget ended this one, and starts over at the end", async () => {
    const words = ["verify", "--tier", "ours", "--budget", "2000B", "--cursor", "c.json"];
    const seen: unknown[] = [];
    const ends: unknown[] = [];
    for (let run = 0; run < 3; run += 1) {
      const { records, status } = await place.run([...words, ...config, "--json"]);
      expect(status).toBe(0);
      seen.push(...records.filter(({ digest }) => digest).map(({ digest }) => digest));
      ends.push(records.at(-1));
    }
    expect(seen).toEqual([...digests, ...digests.slice(0, 2)]);
    expect(ends).toEqual([
      { end: "bytes", blobs: 2, bytesRead: 2000 },
      { end: "done", blobs: 2, bytesRead: 2000 },
      { end: "bytes", blobs: 2, bytesRead: 2000 },
    ]);
    const text = await place.run([...words, ...config]);
    expect(text.stderr).toMatch(/^note: all is done: 2 blobs, 2\.0 KiB read\n$/);
    const other = ["verify", "--tier", "copy", "--cursor", "c.json", ...config];
    const refused = await place.run(other);
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toMatch(/c\.json.*another scrub/);
  });

  it("goes on after SIGKILL where the cursor stands, and what is before it was told", async () => {
    // Four blobs at one a second: the cursor is written while some of them are still to come.
    const words = ["verify", "--tier", "ours", "--cursor", "killed.json", ...config, "--json"];
    const { child, ended } = place.start([...words, "--rate", "1000B"]);
    while (!(await readdir(place.folder)).includes("killed.json") && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    child.kill("SIGKILL");
    const killed = await ended;
    const cursor = JSON.parse(await readFile(place.path("killed.json"), "utf8")) as {
      after: string | null;
    };
    const done =
      cursor.after === null ? digests : digests.slice(0, digests.indexOf(cursor.after) + 1);
    const told = killed.records.flatMap(({ digest }) => (digest === undefined ? [] : [digest]));
    expect(told.slice(0, done.length)).toEqual(done);
    const next = await place.run(words);
    expect(next.status).toBe(0);
    const rest = next.records.flatMap(({ digest }) => (digest === undefined ? [] : [digest]));
    expect(rest).toEqual(cursor.after === null ? digests : digests.slice(done.length));
    expect(JSON.parse(await readFile(place.path("killed.json"), "utf8"))).toMatchObject({
      after: null,
    });
    const folder = await readdir(place.folder);
    expect(folder.filter((name) => name.startsWith(".killed")).length).toBeLessThanOrEqual(1);
  });

  it("refuses what makes no sense together", async () => {
    for (const words of [
      ["--cursor", "d.json", first],
      ["--quick", first],
      ["--rate", "0"],
      ["--budget", "much"],
    ]) {
      expect(await place.run(["verify", ...words])).toMatchObject({ status: 2, stdout: "" });
    }
  });
});

import { readdir, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseMoment } from "../../src/input/parse-moment.ts";
import { parseTagReference } from "../../src/tags/tag-reference.ts";
import { absent, sha256 } from "../support/digests.ts";
import { openPlace, type Place } from "../support/run-bitstore.ts";

const one = sha256("one");
const two = sha256("two");
const nowMs = Date.parse("2026-11-21T12:00:00Z");

/** Shows that a tag is taken wherever a digest is, and that it is the blob that is spoken of then. */
describe("@TAG as an argument", () => {
  let place: Place;
  const bitstore = (...args: string[]) => place.run(args);
  beforeAll(async () => {
    place = await openPlace();
    for (const text of ["one", "two"]) await writeFile(place.path(text), text);
    await bitstore("put", "one", "two");
    await bitstore("tag", "set", "a/b", one);
    await bitstore("tag", "set", "a/b", two);
    await bitstore("tag", "set", "lost", absent, "--force");
    await bitstore("tag", "set", "gone", one);
    await bitstore("tag", "rm", "gone");
  });
  afterAll(async () => place[Symbol.asyncDispose]());

  it("is the blob that the tag names now, or named at a sequence or a time", async () => {
    expect((await bitstore("get", "@a/b")).stdout).toBe("two");
    expect((await bitstore("get", "@a/b@1")).stdout).toBe("one");
    const [first] = (await bitstore("tag", "get", "a/b@1", "--json")).records;
    expect((await bitstore("get", `@a/b@${String(first?.["time"])}`)).stdout).toBe("one");
    expect((await bitstore("get", "@a/b@0s", "-o", "into")).status).toBe(0);
    expect(await readFile(place.path("into"), "utf8")).toBe("two");
    expect((await bitstore("stat", "@a/b", one, "--json")).records).toEqual([
      { digest: two, size: 3, tag: "@a/b" },
      { digest: one, size: 3 },
    ]);
    const explain = await bitstore("explain", "@a/b@1", "--json");
    expect(explain.records).toMatchObject([{ digest: one, tag: "@a/b@1", outcome: "found" }]);
    expect((await bitstore("tag", "set", "copy", "@a/b@1")).stdout).toBe(`${one}  copy@1\n`);
    expect((await bitstore("verify", "@a/b")).status).toBe(0);
    await bitstore("cp", "@a/b", "--from", "./.bitstore/blobs", "--to", "./copied");
    expect((await bitstore("ls", "--tier", "./copied")).stdout).toBe(`${two}  3\n`);
  });

  it("says of an absent blob which tag named it", async () => {
    const get = await bitstore("get", "@lost");
    expect(get).toMatchObject({ status: 3, stdout: "" });
    expect(get.stderr).toBe(`bitstore: @lost: get ${absent}: no tier has it\n`);
    const stat = await bitstore("stat", "@lost", "@a/b");
    expect(stat).toMatchObject({ status: 3, stdout: `${two}  3\n` });
    expect(stat.stderr).toBe(`bitstore: @lost: stat ${absent}: no tier has it\n`);
  });

  it("says of a tag that names nothing whether it was deleted, and when", async () => {
    const deleted = await bitstore("get", "@gone");
    expect(deleted).toMatchObject({ status: 3, stdout: "" });
    expect(deleted.stderr).toMatch(/^bitstore: resolve @gone: the tag was deleted at .*Z by /);
    expect((await bitstore("get", "@gone@1")).stdout).toBe("one");
    const never = await bitstore("stat", one, "@never");
    expect(never).toMatchObject({ status: 3, stdout: "" });
    expect(never.stderr).toMatch(/^bitstore: resolve @never: the tag was never set\n/);
    const none = await bitstore("get", "@a/b", "--tier", "./.bitstore/blobs");
    expect(none).toMatchObject({ status: 2, stdout: "" });
    expect(none.stderr).toContain("--metadata URL");
  });

  it("stands in lists, in their order, and one that names nothing does not stop the others", async () => {
    const list = `@a/b@1 x\n${two}\n@never\n@lost\n@a/b\n`;
    const has = await place.run(["has", "@a/b", "-"], { input: list });
    const lines = [`${two}  present`, `${one}  present`, `${two}  present`];
    lines.push(`${absent}  missing`, `${two}  present`);
    expect(has).toMatchObject({ status: 3, stdout: `${lines.join("\n")}\n` });
    expect(has.stderr).toMatch(/^bitstore: resolve @never: the tag was never set\n/);

    const fetch = await place.run(["fetch", "-", "--to", "out", "--ordered", "--json"], {
      input: list,
    });
    expect(fetch.status).toBe(3);
    expect(fetch.records).toMatchObject([
      { digest: one, status: "fetched" },
      { digest: two, status: "fetched" },
      { digest: "@never", status: "missing", error: { code: "NOT_FOUND" } },
      { digest: absent, status: "missing" },
    ]);
    const names = (await readdir(place.path("out"))).filter((name) => !name.startsWith("."));
    expect(names.sort()).toEqual([one, two].map((digest) => digest.slice(7)).sort());
    const words = ["fetch", "-", "--to", "out", "--tier", "./.bitstore/blobs"];
    expect((await place.run(words, { input: "@a/b\n" })).status).toBe(2);
  });

  it("is deleted as a blob with --force alone", async () => {
    await bitstore("put", "one", "--tier", "./bin");
    const tags = ["--tier", "./bin", "--metadata", "./.bitstore/metadata"];
    const refused = await bitstore("rm", one, "@a/b@1", ...tags);
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toMatch(/nothing was deleted\nhint: bitstore tag rm a\/b@1 /);
    const none = await bitstore("rm", "--force", one, "@never", ...tags);
    expect(none).toMatchObject({ status: 3, stdout: "" });
    const rm = await bitstore("rm", "--force", "@a/b@1", ...tags);
    expect(rm).toMatchObject({ status: 0, stdout: `${one}  deleted\n`, stderr: "" });
    expect((await bitstore("tag", "get", "a/b@1")).stdout).toBe(`${one}\n`);
  });

  it("reads names, sequences and times", () => {
    expect(parseTagReference("@a/b", nowMs)).toEqual({ name: "a/b" });
    expect(parseTagReference("a@12", nowMs)).toEqual({ name: "a", seq: 12 });
    const time = new Date("2026-11-21T10:00:00Z");
    for (const word of ["2h", "120m", "2026-11-21T10:00:00Z", "2026-11-21T12:00:00+02:00"]) {
      expect(parseTagReference(`a@${word}`, nowMs)).toEqual({ name: "a", time });
    }
    expect(parseMoment("2026-11-21", nowMs)).toEqual(new Date("2026-11-21T00:00:00Z"));
    for (const word of ["", "now", "2h ago", "2026-13-01", "2026-02-29", "2026-11-21T25:00:00Z"]) {
      expect(() => parseMoment(word, nowMs)).toThrow("is no time");
    }
    expect(() => parseMoment("2026-11-21T10:00:00", nowMs)).toThrow("is no time");
    for (const word of ["@", "@@1", "a@", "a@0", "@a b", "a@1@2"]) {
      expect(() => parseTagReference(word, nowMs)).toThrow();
    }
  });
});

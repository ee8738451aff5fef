import { writeFileSync } from "node:fs";
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openBlobApi } from "../support/blob-api.ts";
import { absent, seeded, sha256 } from "../support/digests.ts";
import { openPlace, type Place } from "../support/run-bitstore.ts";

const mediaType = "application/vnd.bitstore.collection+json";
const large = seeded(300_000, 5);
const files: Readonly<Record<string, string | Buffer>> = {
  one: "one",
  empty: "",
  "run.sh": "#!/bin/sh\n",
  ".dot": "a dot-file",
  "nested/deep/er/large": large,
  "nested/also-one": "one",
  "nested/also-empty": "",
};

/** Shows that a folder comes out of a tag as it went in, and that nothing else ever does. */
describe("collections", () => {
  let place: Place;
  let folder = "";
  let count = 0;
  const bitstore = (...args: string[]) => place.run(args);
  /** A fresh folder beside the work, as a name relative to it. */
  const fresh = (): string => {
    count += 1;
    return `folder-${count}`;
  };
  beforeAll(async () => {
    place = await openPlace();
  });
  beforeEach(async () => {
    folder = fresh();
    await plant(place.path(folder), files);
  });
  afterAll(async () => place[Symbol.asyncDispose]());

  /** Tags a hand-made list of names, digests and sizes. */
  async function tagList(tag: string, list: unknown): Promise<void> {
    const bytes = JSON.stringify(list);
    await writeFile(place.path("list.json"), bytes);
    await bitstore("put", "list.json");
    const set = await bitstore("tag", "set", tag, sha256(bytes), "--media-type", mediaType);
    expect(set.status).toBe(0);
  }

  it("goes in and comes out again, whole and alone", async () => {
    await chmod(place.path(folder, "run.sh"), 0o755);
    const set = await bitstore("tag", "set", "c", "--collection", folder, "--annotation", "k=v");
    expect(set).toMatchObject({ status: 0, stderr: "" });
    expect(set.stdout).toMatch(/^sha256:\w{64} {2}c@1 {2}7 files, 293\.0 KiB\n$/);
    const [entry] = (await bitstore("tag", "get", "c", "--json")).records;
    const bytes = Object.values(files).reduce((sum, each) => sum + each.length, 0);
    expect(entry).toMatchObject({
      target: { mediaType },
      annotations: { k: "v", files: "7", bytes: String(bytes) },
    });
    const raw = await bitstore("get", "@c", "--raw");
    expect(JSON.parse(raw.stdout)).toHaveLength(7);
    expect(sha256(raw.bytes)).toBe(set.stdout.split(" ")[0]);

    const out = fresh();
    const get = await bitstore("get", "@c", "-o", out);
    expect(get).toMatchObject({ status: 0, stdout: "" });
    expect(get.stderr).toMatch(/^note: 7 files in /);
    // Nothing of the command's own is left, and modes are not kept.
    expect(await contentsOf(place.path(out))).toEqual(await contentsOf(place.path(folder)));
    expect((await stat(place.path(out, "run.sh"))).mode & 0o111).toBe(0);
  });

  it("is the same blob for the same files", async () => {
    const again = fresh();
    await plant(place.path(again), Object.fromEntries(Object.entries(files).toReversed()));
    const one = await bitstore("tag", "set", "same/1", "--collection", folder);
    const two = await bitstore("tag", "set", "same/2", "--collection", again);
    expect(one.stdout.split(" ")[0]).toBe(two.stdout.split(" ")[0]);
  });

  it("writes what is missing or wrong in a folder, and leaves other files alone", async () => {
    await bitstore("tag", "set", "again", "--collection", folder);
    await writeFile(place.path(folder, "one"), "eno");
    await rm(place.path(folder, "nested/deep/er/large"));
    await writeFile(place.path(folder, "mine"), "not of the collection");
    const get = await bitstore("get", "@again", "-o", folder, "--json");
    expect(get.status).toBe(0);
    const statuses = Object.fromEntries(get.records.map((line) => [line["name"], line["status"]]));
    expect(statuses).toEqual({
      one: "fetched",
      "nested/also-one": "fetched",
      "nested/deep/er/large": "fetched",
      empty: "present",
      "nested/also-empty": "present",
      "run.sh": "present",
      ".dot": "present",
    });
    expect(await contentsOf(place.path(folder))).toMatchObject({
      one: "one",
      mine: expect.any(String),
    });
  });

  it("needs -o DIRECTORY, and takes a promoted tag for a collection too", async () => {
    await bitstore("tag", "set", "staging", "--collection", folder);
    await bitstore("tag", "set", "prod", "@staging");
    const bare = await bitstore("get", "@prod");
    expect(bare).toMatchObject({ status: 2, stdout: "" });
    expect(bare.stderr).toMatch(
      /it is a collection of files\nhint: bitstore get @prod -o DIRECTORY/,
    );
    expect((await bitstore("get", "@prod", "-o", "-")).status).toBe(2);
    expect((await bitstore("get", "@prod", "-o", "x", "--range", "0-1")).status).toBe(2);
    expect((await bitstore("get", "@prod", "-o", join(folder, "one"))).status).toBe(2);
    expect(await readFile(place.path(folder, "one"), "utf8")).toBe("one");
    const out = fresh();
    expect((await bitstore("get", "@prod@1", "-o", out)).status).toBe(0);
    expect(await contentsOf(place.path(out))).toEqual(await contentsOf(place.path(folder)));
  });

  it("refuses names outside the grammar, links and pipes: each is told, nothing stored", async () => {
    const store = ["--tier", "./refusing", "--metadata", "./refusing-tags"];
    await writeFile(place.path(folder, "a b"), "");
    await writeFile(place.path(folder, "nested", "\u001b[2J"), "");
    await symlink("one", place.path(folder, "link"));
    await place.bash(`mkfifo ${folder}/pipe`);
    const set = await bitstore("tag", "set", "c", "--collection", folder, ...store);
    expect(set).toMatchObject({ status: 2, stdout: "" });
    expect(set.stderr).not.toContain("\u001b");
    const refused = [...set.stderr.matchAll(/^refused {2}"(.*)": /gm)].map(([, name]) => name);
    expect(refused).toEqual(["a b", "link", "nested/\\u001b[2J", "pipe"]);
    expect(set.stderr).toContain(`4 files below ${folder} can't be part of a collection`);
    const listed = await bitstore("ls", "--tier", "./refusing");
    expect(listed.stdout).toBe("");
    expect((await bitstore("tag", "ls", ...store)).stdout).toBe("");
  });

  it("finds out that a file changed while it was stored, and tags nothing", async () => {
    // The receiver changes the file while it takes it: the same size, other bytes.
    await using api = await openBlobApi();
    const source = fresh();
    await plant(place.path(source), { steady: "steady", moving: "before" });
    const takes = (then: () => void) => (request: IncomingMessage, response: ServerResponse) => {
      if (request.method !== "PUT") {
        response.writeHead(404).end();
        return;
      }
      request.resume().on("end", () => {
        then();
        response.writeHead(201).end();
      });
    };
    api.answer(
      sha256("steady"),
      takes(() => undefined),
    );
    api.answer(
      sha256("before"),
      takes(() => writeFileSync(place.path(source, "moving"), "beyond")),
    );
    const origin = ["--tier", `${api.url}?put=true&origin=true&head=false`];
    const meta = ["--metadata", "./.bitstore/metadata"];
    const set = await bitstore("tag", "set", "moved", "--collection", source, ...origin, ...meta);
    expect(set).toMatchObject({ status: 4, stdout: "" });
    expect(set.stderr).toContain("moving: the file changed while it was read");
    expect(set.stderr).toContain(`note: ${source} is not tagged`);
    expect((await bitstore("tag", "get", "moved")).status).toBe(3);
  });

  it("leaves the store itself out, where it lies in the folder", async () => {
    await using own = await openPlace();
    await plant(own.folder, { "a/one": "one", two: "two" });
    await own.run(["put", "two"]);
    const set = await own.run(["tag", "set", "all", "--collection", "."]);
    expect(set).toMatchObject({ status: 0 });
    expect(set.stderr).toMatch(/^note: left out, since the store lies there: \.bitstore\/blobs/);
    expect((await own.run(["get", "@all", "-o", "out"])).status).toBe(0);
    expect(await contentsOf(own.path("out"))).toEqual({ "a/one": "one", two: "two" });
    const inside = await own.run(["tag", "set", "x", "--collection", ".bitstore/blobs"]);
    expect(inside).toMatchObject({ status: 2, stdout: "" });
  });

  it("refuses what is no folder, and one without files", async () => {
    await mkdir(place.path("hollow"), { recursive: true });
    for (const name of ["hollow", join(folder, "one"), "nowhere"]) {
      expect(await bitstore("tag", "set", "c", "--collection", name)).toMatchObject({
        status: 2,
        stdout: "",
      });
    }
  });

  it("stores nothing where the options are wrong, and does not tag where --expect fails", async () => {
    const words = ["tag", "set", "late", "--collection", folder];
    expect((await bitstore(...words, "--expect", "soon")).status).toBe(2);
    expect((await bitstore(...words, "--media-type", "text/plain")).status).toBe(2);
    const lost = await bitstore(...words, "--expect", "3");
    expect(lost).toMatchObject({ status: 5, stdout: "" });
    expect((await bitstore("tag", "ls", "late")).stdout).toBe("");
  });

  it.each([
    ["../escaped"],
    ["/etc/escaped"],
    ["a/../../escaped"],
    ["a//b"],
    ["a\u0000b"],
    [".bitstore-fetch/journal.sqlite"],
  ])("writes nothing of a hand-made list that names %j", async (name) => {
    await bitstore("put", join(folder, "one"));
    const good = { name: "aaa", digest: sha256("one"), size: 3 };
    await tagList("evil", [good, { ...good, name }]);
    const out = fresh();
    const get = await bitstore("get", "@evil", "-o", out);
    expect(get).toMatchObject({ status: 2, stdout: "" });
    const names = await readdir(place.path(out)).catch(() => []);
    expect(names.filter((each) => !each.startsWith("."))).toEqual([]);
    expect(await readdir(place.path("."))).not.toContain("escaped");
  });

  it("refuses what is no list", async () => {
    await tagList("odd", { not: "a list" });
    const get = await bitstore("get", "@odd", "-o", fresh());
    expect(get).toMatchObject({ status: 2 });
    expect(get.stderr).toContain("collection: it is no ");
  });

  it("neither follows nor replaces a link, and writes the rest", async () => {
    await bitstore("tag", "set", "linked", "--collection", folder);
    const out = fresh();
    const elsewhere = fresh();
    for (const name of [out, elsewhere]) await mkdir(place.path(name));
    await writeFile(place.path(elsewhere, "target"), "untouched");
    await symlink(join("..", elsewhere, "target"), place.path(out, "one"));
    await symlink(join("..", elsewhere), place.path(out, "nested"));
    const get = await bitstore("get", "@linked", "-o", out);
    expect(get).toMatchObject({ status: 2, stdout: "" });
    expect(get.stderr).toMatch(/^failed {3}one {2}.*a symbolic link is in the way/m);
    expect(get.stderr).toMatch(/^failed {3}nested\/deep\/er\/large {2}/m);
    expect(await readdir(place.path(elsewhere))).toEqual(["target"]);
    expect(await readFile(place.path(elsewhere, "target"), "utf8")).toBe("untouched");
    expect((await lstat(place.path(out, "one"))).isSymbolicLink()).toBe(true);
    expect(await readFile(place.path(out, "empty"), "utf8")).toBe("");
    expect(await readFile(place.path(out, "run.sh"), "utf8")).toBe(files["run.sh"]);
  });

  it("goes on where one blob is missing, and with 7 where one can't be had", async () => {
    await bitstore("put", join(folder, "one"));
    const one = { name: "one", digest: sha256("one"), size: 3 };
    const missing = { name: "m", digest: absent, size: 1 };
    await tagList("partial", [missing, one]);
    const out = fresh();
    const get = await bitstore("get", "@partial", "-o", out);
    expect(get).toMatchObject({ status: 3, stdout: "" });
    expect(get.stderr).toMatch(new RegExp(`^missing {2}m {2}${absent}\n`));
    expect(await readFile(place.path(out, "one"), "utf8")).toBe("one");

    await using api = await openBlobApi();
    api.answer(absent, (_request, response) => response.writeHead(500).end());
    const tiers = ["--tier", "./.bitstore/blobs?origin=true", "--tier", `${api.url}?name=api`];
    const meta = ["--metadata", "./.bitstore/metadata"];
    const failed = await bitstore("get", "@partial", "-o", out, "--json", ...tiers, ...meta);
    expect(failed.status).toBe(7);
    expect(failed.records).toContainEqual(
      expect.objectContaining({ name: "m", status: "failed", digest: absent }),
    );
    expect(failed.records).toContainEqual(
      expect.objectContaining({ name: "one", status: "present" }),
    );
  });

  it("writes no wrong bytes: what no tier could deliver is told with 7", async () => {
    await using api = await openBlobApi();
    const digest = sha256("right");
    api.answer(digest, (_request, response) => response.end("wrong"));
    await tagList("rotten", [{ name: "r", digest, size: 5 }]);
    const out = fresh();
    const words = ["--tier", "./.bitstore/blobs?origin=true", "--tier", api.url];
    const meta = ["--metadata", "./.bitstore/metadata"];
    const get = await bitstore("get", "@rotten", "-o", out, ...words, ...meta);
    expect(get.status).toBe(7);
    expect((await readdir(place.path(out))).filter((name) => !name.startsWith("."))).toEqual([]);
  });

  it("fetches a blob that stands under several names once", async () => {
    await using api = await openBlobApi();
    const digest = api.add(Buffer.from("paid for"));
    const names = ["a", "b/c", "d"];
    await tagList(
      "shared",
      names.map((name) => ({ name, digest, size: 8 })),
    );
    const words = ["--tier", "./.bitstore/blobs?origin=true", "--tier", api.url];
    const meta = ["--metadata", "./.bitstore/metadata"];
    const out = fresh();
    expect((await bitstore("get", "@shared", "-o", out, ...words, ...meta)).status).toBe(0);
    expect(await contentsOf(place.path(out))).toEqual({
      a: "paid for",
      "b/c": "paid for",
      d: "paid for",
    });
    expect(api.requests.filter((request) => request.startsWith("GET"))).toHaveLength(1);
  });
});

async function plant(
  folder: string,
  contents: Readonly<Record<string, string | Buffer>>,
): Promise<void> {
  for (const [name, bytes] of Object.entries(contents)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
}

/** Reads every file below a folder, dot-files as well. */
async function contentsOf(folder: string): Promise<Record<string, string>> {
  const found: [string, string][] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name);
    if ((await lstat(path)).isFile()) found.push([name, await readFile(path, "latin1")]);
  }
  return Object.fromEntries(found.sort(([one], [other]) => (one < other ? -1 : 1)));
}

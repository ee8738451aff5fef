import { once } from "node:events";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { StoreError } from "@bitstore/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { advised } from "../../src/tags/advise.ts";
import { absent, sha256 } from "../support/digests.ts";
import { openPlace, type Place } from "../support/run-bitstore.ts";

const env = { BITSTORE_ACTOR: "alice", USER: "bob" };
const one = sha256("one");
const two = sha256("two");

/** Shows the commands below `tag`, each run as its user does, on the embedded default of a folder. */
describe("tag", () => {
  let place: Place;
  const bitstore = (...args: string[]) => place.run(args, { env });
  beforeAll(async () => {
    place = await openPlace();
    for (const text of ["one", "two"]) await writeFile(place.path(text), text);
    expect((await bitstore("put", "one", "two")).status).toBe(0);
  });
  afterAll(async () => place[Symbol.asyncDispose]());

  it("sets, moves and gets a tag, whole as JSON", async () => {
    const set = await bitstore("tag", "set", "models/prod", one, "--reason", "first");
    expect(set).toMatchObject({ status: 0, stdout: `${one}  models/prod@1\n`, stderr: "" });
    const words = ["--annotation", "run=7", "--annotation", "by=a=b", "--media-type", "text/plain"];
    const moved = await bitstore("tag", "set", "@models/prod", two, ...words, "--json");
    expect(moved.records).toMatchObject([
      { tag: "models/prod", seq: 2, op: "set", annotations: { run: "7", by: "a=b" } },
    ]);
    expect((await bitstore("tag", "get", "models/prod")).stdout).toBe(`${two}\n`);
    expect((await bitstore("tag", "get", "models/prod@1")).stdout).toBe(`${one}\n`);
    const [first] = (await bitstore("tag", "get", "models/prod@1", "--json")).records;
    expect(first).toMatchObject({
      seq: 1,
      target: { digest: one, size: 3 },
      actor: "alice",
      client: expect.stringMatching(/^bitstore\/\d/),
      reason: "first",
    });
    const [second] = (await bitstore("tag", "get", "@models/prod", "--json")).records;
    const between = await bitstore("tag", "get", `models/prod@${String(first?.["time"])}`);
    expect(between.stdout).toBe(`${one}\n`);
    expect(second).toMatchObject({ prev: { seq: 1, sha256: first?.["sha256"] } });
    const long = await bitstore("tag", "get", "models/prod", "--long");
    expect(long.stdout).toMatch(/^tag +models\/prod@2\n[^]*\nannotation +by=a=b\n/);
  });

  it("takes the user's name where no actor is said", async () => {
    const set = ["tag", "set", "who", one, "--json"];
    expect((await place.run(set, { env: { USER: "bob" } })).records).toMatchObject([
      { actor: "bob" },
    ]);
    expect((await place.run(set, { env: { LOGNAME: "carol" } })).records).toMatchObject([
      { actor: "carol" },
    ]);
    expect((await place.run(set)).records).toMatchObject([{ actor: "unknown" }]);
  });

  it("writes only where --expect holds, and says with 5 what the tag is at", async () => {
    expect((await bitstore("tag", "set", "cas", one, "--expect", "absent")).status).toBe(0);
    expect((await bitstore("tag", "set", "cas", two, "--expect", "1")).status).toBe(0);
    expect((await bitstore("tag", "set", "cas", one, "--expect", two)).status).toBe(0);
    for (const expected of ["absent", "2", two, "@models/prod"]) {
      const lost = await bitstore("tag", "set", "cas", two, "--expect", expected);
      expect(lost).toMatchObject({ status: 5, stdout: "" });
      expect(lost.stderr).toContain(`the tag is at sequence 3, ${one}`);
      expect(lost.stderr).toMatch(/\nhint: set by alice at .*--expect 3\n/);
    }
    const json = await bitstore("tag", "rm", "cas", "--expect", "1", "--json");
    expect(JSON.parse(json.stderr)).toMatchObject({
      error: { code: "PRECONDITION_FAILED", exit: 5, hint: expect.stringContaining("--expect 3") },
    });
    const never = await bitstore("tag", "set", "cas2", one, "--expect", "4");
    expect(never.stderr).toContain("the tag was never set");
  });

  it("lets exactly one of two writers win that expect the same", async () => {
    const writers = [one, two].map((digest) => {
      return bitstore("tag", "set", "race", digest, "--expect", "absent");
    });
    const ended = await Promise.all(writers);
    expect(ended.map(({ status }) => status).sort((a, b) => Number(a) - Number(b))).toEqual([0, 5]);
    const winner = ended.find(({ status }) => status === 0);
    expect((await bitstore("tag", "get", "race")).stdout).toBe(`${winner?.stdout.split(" ")[0]}\n`);
    expect((await bitstore("tag", "log", "race", "--json")).records).toHaveLength(1);
  });

  it("does not write twice under one nonce", async () => {
    const nonce = "0123456789abcdef0123456789abcdef";
    const words = ["tag", "set", "once", one, "--nonce", nonce, "--base", "0"];
    expect((await bitstore(...words)).stdout).toBe(`${one}  once@1\n`);
    expect((await bitstore("tag", "set", "once", two)).stdout).toBe(`${two}  once@2\n`);
    expect((await bitstore(...words)).stdout).toBe(`${one}  once@1\n`);
    expect((await bitstore("tag", "log", "once", "--json")).records).toHaveLength(2);
  });

  it("prints the history newest first, from below a sequence and as many as asked", async () => {
    await bitstore("tag", "annotate", "models/prod", "checked=yes", "--reason", "looked at");
    const log = await bitstore("tag", "log", "models/prod");
    const lines = log.stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual([
      ["SEQ", "TIME", "DID", "DIGEST", "ACTOR", "REASON"],
      ["3", expect.stringMatching(/^\d{4}-.*Z$/), "annotate", two, "alice", "looked at"],
      ["2", expect.any(String), "set", two, "alice"],
      ["1", expect.any(String), "set", one, "alice", "first"],
    ]);
    const some = await bitstore("tag", "log", "models/prod", "--before", "3", "-n", "1", "--json");
    expect(some.records).toMatchObject([{ seq: 2, op: "set", digest: two, actor: "alice" }]);
    const none = await bitstore("tag", "log", "models/prod", "--before", "1");
    expect(none).toMatchObject({ status: 0, stdout: "" });
    expect(await bitstore("tag", "log", "nope")).toMatchObject({ status: 3, stdout: "" });
  });

  it("deletes a tag, says so of it with 3, and rolls it back", async () => {
    await bitstore("tag", "set", "gone", one);
    const removed = await bitstore("tag", "rm", "gone", "--reason", "too old");
    expect(removed).toMatchObject({ status: 0, stdout: "deleted  gone@2\n" });
    const get = await bitstore("tag", "get", "gone");
    expect(get).toMatchObject({ status: 3, stdout: "" });
    expect(get.stderr).toMatch(
      /^bitstore: get gone: the tag was deleted at .*Z by alice, sequence 2 \(too old\)\n/,
    );
    expect(get.stderr).toContain("bitstore tag rollback gone 1");
    expect(await bitstore("tag", "rm", "gone")).toMatchObject({ status: 3 });
    expect((await bitstore("tag", "ls")).stdout).not.toContain("gone");
    expect((await bitstore("tag", "ls", "--deleted")).stdout).toContain("gone\n");
    expect((await bitstore("tag", "ls", "gone", "--deleted", "-l")).stdout).toMatch(
      /^deleted {2}gone@2 {2}.*Z {2}alice\n$/,
    );
    const back = await bitstore("tag", "rollback", "gone", "1", "--json");
    expect(back.records).toMatchObject([{ seq: 3, op: "restore", restored: 1 }]);
    expect(await bitstore("tag", "rollback", "gone", "9")).toMatchObject({ status: 3 });
    expect(await bitstore("tag", "rollback", "gone", "2")).toMatchObject({ status: 2 });
  });

  it("tells what was never set, was not set yet, and has no such sequence", async () => {
    const never = await bitstore("tag", "get", "nope");
    expect(never).toMatchObject({ status: 3 });
    expect(never.stderr).toContain("the tag was never set");
    const early = await bitstore("tag", "get", "models/prod@2w");
    expect(early.stderr).toMatch(/was not set yet at \d{4}-/);
    const beyond = await bitstore("tag", "get", "models/prod@77");
    expect(beyond.stderr).toContain("it has no sequence 77; the newest is 3");
    expect([early.status, beyond.status]).toEqual([3, 3]);
  });

  it("lists names by prefix, from one on, and as many as asked", async () => {
    for (const name of ["list/a", "list/b", "list/c"]) await bitstore("tag", "set", name, one);
    expect((await bitstore("tag", "ls", "list/")).stdout).toBe("list/a\nlist/b\nlist/c\n");
    const some = await bitstore("tag", "ls", "list/", "--after", "list/a", "-n", "1", "--json");
    expect(some.records).toEqual([{ tag: "list/b" }]);
    const long = await bitstore("tag", "ls", "list/", "--long");
    expect(long.stdout.split("\n")[0]).toMatch(/^sha256:\w{64} {2}list\/a@1 {2}.*Z {2}alice$/);
  });

  it("refuses what the origin does not have, unless forced", async () => {
    const set = await bitstore("tag", "set", "later", absent);
    expect(set).toMatchObject({ status: 3, stdout: "" });
    expect(set.stderr).toMatch(/is not at the origin[^]*\nhint: --force /);
    expect((await bitstore("tag", "set", "later", absent, "--force")).status).toBe(0);
  });

  it.each([
    [["tag", "set", "a b", one], "is no tag name"],
    [["tag", "set", "../x", one], "is no tag name"],
    [["tag", "set", "x", "nonsense"], "a digest is algorithm:hex"],
    [["tag", "set", "x"], "a digest or --collection"],
    [["tag", "set", "x", one, "--collection", "."], "a digest or --collection"],
    [["tag", "set", "x@1", one], "names one entry of a tag"],
    [["tag", "set", "x", one, "--expect", "soon"], "can't be read"],
    [["tag", "set", "x", one, "--annotation", "novalue"], "has no key and value"],
    [["tag", "set", "x", one, "--nonce", "abc"], "32 lower-case hex digits"],
    [["tag", "set", "x", one, "--base", "1"], "a base is for a nonce"],
    [["tag", "set", "x", one, "--media-type", "nonsense"], "type/subtype"],
    [["tag", "set", "x", one, "--reason", "r".repeat(1025)], "1024 bytes"],
    [["tag", "annotate", "models/prod", "novalue"], "has no key and value"],
    [["tag", "get", "models/prod@yesterday"], "is no time"],
    [["tag", "get", "models/prod@2026-02-30"], "is no time"],
    [["tag", "get", "models/prod@0"], "is no sequence"],
    [["tag", "rollback", "models/prod", "x"], "is no sequence"],
    [["tag", "log", "models/prod", "-n", "0"], "whole number from 1 on"],
    [["tag", "ls", "--after", "a b"], "is no tag name"],
    [["tag", "watch", "models/prod", "--since", "x"], "whole number from 0 on"],
  ])("refuses %j with 2", async (words, message) => {
    const ended = await bitstore(...words);
    expect(ended).toMatchObject({ status: 2, stdout: "" });
    expect(ended.stderr).toContain(message);
  });

  it("names the help of the command below tag", async () => {
    const wrong = await bitstore("tag", "get");
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain("hint: bitstore tag get --help");
  });

  it("is CONFIG_INVALID where there is no metadata", async () => {
    const set = await bitstore("tag", "set", "x", one, "--tier", "./.bitstore/blobs");
    expect(set).toMatchObject({ status: 2, stdout: "" });
    expect(set.stderr).toContain("--metadata URL");
    const words = ["--tier", "./.bitstore/blobs", "--metadata", "./elsewhere"];
    expect((await bitstore("tag", "set", "x", one, ...words)).status).toBe(0);
    expect((await bitstore("tag", "ls", ...words)).stdout).toBe("x\n");
  });

  it("escapes what would drive a terminal, in reasons, actors and annotations", async () => {
    const hostile = "\u001b[2J\nforged\u202e";
    const words = ["--reason", hostile, "--annotation", `k=${hostile}`];
    await place.run(["tag", "set", "hostile", one, ...words], { env: { BITSTORE_ACTOR: hostile } });
    await place.run(["tag", "rm", "hostile", "--reason", hostile], {
      env: { BITSTORE_ACTOR: hostile },
    });
    await place.run(["tag", "pin", two, "--reason", hostile], { env: { BITSTORE_ACTOR: hostile } });
    for (const args of [
      ["tag", "log", "hostile"],
      ["tag", "log", "hostile", "--json"],
      ["tag", "get", "hostile"],
      ["tag", "get", "hostile@1", "--long"],
      ["tag", "get", "hostile@1", "--json"],
      ["tag", "ls", "--long", "--deleted"],
      ["tag", "set", "hostile", two, "--expect", "1"],
      ["tag", "pins"],
    ]) {
      const { stdout, stderr } = await bitstore(...args);
      // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
      expect(stdout + stderr).not.toMatch(/[\u001b\u202e]|^forged/m);
      expect(stdout + stderr).toContain("\\u001b[2J");
    }
  });

  it("pins blobs and tags' blobs, lists the pins, and takes them off", async () => {
    await bitstore("tag", "unpin", two);
    const pin = await bitstore("tag", "pin", "@models/prod@1", "--reason", "audit");
    expect(pin).toMatchObject({ status: 0, stdout: `${one}  pinned\n` });
    expect((await bitstore("tag", "pins")).stdout).toMatch(
      new RegExp(`^${one} {2}.*Z {2}alice {2}audit\n$`),
    );
    expect((await bitstore("tag", "pins", "--json")).records).toMatchObject([
      { digest: one, actor: "alice", reason: "audit" },
    ]);
    expect((await bitstore("tag", "unpin", one)).stdout).toBe(`${one}  unpinned\n`);
    const none = await bitstore("tag", "unpin", one);
    expect(none).toMatchObject({ status: 3, stdout: `${one}  not pinned\n`, stderr: "" });
    expect(await bitstore("tag", "pin", absent)).toMatchObject({ status: 3, stdout: "" });
    expect((await bitstore("tag", "pins")).stdout).toBe("");
  });

  it("verifies histories, and says with 4 which entry is missing", async () => {
    const good = await bitstore("tag", "verify");
    expect(good).toMatchObject({ status: 0, stderr: "" });
    const names = (await bitstore("tag", "ls", "--deleted")).stdout.trimEnd().split("\n");
    const lines = good.stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split(/[ @]+/)[1])).toEqual(names);
    const [head] = (await bitstore("tag", "get", "models/prod", "--json")).records;
    expect(good.stdout).toContain(`ok     models/prod@3  ${String(head?.["sha256"])}\n`);

    for (const each of [one, two, one]) await bitstore("tag", "set", "chain", each);
    const folder = place.path(".bitstore", "metadata", "v1", "default", "t", "chain");
    const entries = (await readdir(folder)).sort();
    // The second of three: the newest is first.
    await rm(join(folder, entries[1] ?? ""));
    const bad = await bitstore("tag", "verify", "chain", "gone");
    expect(bad.status).toBe(4);
    expect(bad.stdout).toMatch(/^wrong {2}chain@3 {2}\w{64}\n {7}2: it is missing\n/m);
    expect(bad.stdout).toMatch(/^ok {5}gone@3/m);
    const json = await bitstore("tag", "verify", "chain", "--json");
    expect(json.records).toMatchObject([{ status: "wrong", problems: [{ seq: 2 }] }]);
    // Bytes that are no manifest are told as well, and never taken for one.
    await writeFile(join(folder, entries[0] ?? ""), "no manifest");
    const broken = await bitstore("tag", "verify", "chain");
    expect(broken).toMatchObject({ status: 4 });
    expect(broken.stdout).toContain("3: its bytes are no JSON");
    expect(await bitstore("tag", "get", "chain")).toMatchObject({ status: 2, stdout: "" });
    expect(await bitstore("tag", "verify", "nope")).toMatchObject({ status: 3, stdout: "" });
  });

  it("watches: it prints what another process sets, and ends with 130", async () => {
    const watch = place.start(["tag", "watch", "live", "--json"], { env });
    const lines = createInterface({ input: watch.child.stdout as Readable });
    await bitstore("tag", "set", "live", one);
    const [first] = (await once(lines, "line")) as [string];
    expect(JSON.parse(first)).toMatchObject({ seq: 1, target: { digest: one } });
    const next = once(lines, "line");
    await bitstore("tag", "set", "live", two, "--reason", "moved");
    const [second] = (await next) as [string];
    expect(JSON.parse(second)).toMatchObject({ seq: 2, reason: "moved" });
    watch.child.kill("SIGINT");
    expect(await watch.ended).toMatchObject({ status: 130 });
    expect((await bitstore("tag", "log", "live", "--json")).records).toHaveLength(2);
  });

  it("says of a write that is open what to try it again with", () => {
    const open = Object.assign(
      new StoreError({ code: "INDETERMINATE", operation: "set", subject: "x", message: "open" }),
      { retry: { nonce: "0123456789abcdef0123456789abcdef", base: 6 } },
    );
    expect(advised(open)).toMatchObject({
      hint: expect.stringContaining("--nonce 0123456789abcdef0123456789abcdef --base 6:"),
    });
  });
});

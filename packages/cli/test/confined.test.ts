import { once } from "node:events";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { mintToken } from "@bitstore/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { absent, sha256 } from "./support/digests.ts";
import { openPlace, type Place, type Running } from "./support/run-bitstore.ts";
import { type Ran, runHere } from "./support/run-here.ts";

// A token that is confined to `builds`, used from the command line against a real server: what it put
// it tags, in this process and in a later one, and what its tags name it reads through them.

let place: Place;
let server: Running;
let url: string;
const confined = mintToken();
const other = mintToken();

beforeAll(async () => {
  place = await openPlace();
  const token = (name: string, hash: string): string =>
    `{ name: ${name}, hash: "${hash}", scopes: [read, write, tag], tagPrefixes: [builds] }`;
  await writeFile(
    place.path("bitstore.yaml"),
    `tiers: [{ url: ./blobs, origin: true }]\nmetadata: ./tags\nserver: { auth: { secret: ` +
      `0123456789abcdef0123456789abcdef, tokens: [${token("ci", confined.hash)}, ` +
      `${token("cd", other.hash)}] } }\n`,
  );
  server = place.start(["serve", "--port", "0"]);
  if (server.child.stderr === null) throw new TypeError("stderr is a pipe");
  const [line] = (await once(createInterface(server.child.stderr), "line")) as [string];
  url = line.replace(/^listening on /, "bitstore+");
  await mkdir(place.path("client"));
  for (const name of ["hello", "site"]) await writeFile(place.path("client", name), name);
  await mkdir(place.path("client", "folder"));
  await writeFile(place.path("client", "folder", "a"), "in a");
});
afterAll(async () => {
  server.child.kill("SIGTERM");
  await server.ended;
  await place[Symbol.asyncDispose]();
});

/** Runs a command as a process of its own would: nothing but the cache folder is shared. */
async function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return await runHere([...args, "--tier", url], {
    cwd: place.path("client"),
    env: { XDG_CACHE_HOME: place.path("cache"), BITSTORE_TOKEN: confined.token, ...env },
  });
}

test("tags what an earlier process put, and reads it through the tag", async () => {
  expect(await run(["put", "hello"])).toMatchObject({ status: 0, stderr: "" });
  const set = await run(["tag", "set", "builds/1", sha256("hello")]);
  expect(set).toMatchObject({ status: 0, stderr: "" });
  expect(set.stdout).toContain("builds/1@1");
  for (const name of ["@builds/1", "@builds/1@1"]) {
    expect(await run(["get", name])).toEqual({ status: 0, stdout: "hello", stderr: "" });
  }
  const range = ["get", "@builds/1", "--range", "1-2", "-o", "-"];
  expect((await run(range)).stdout).toBe("el");
  expect(await run(["stat", "@builds/1"])).toMatchObject({ status: 0 });
  // What it reads it may name elsewhere as well, without having put it.
  const elsewhere = { XDG_CACHE_HOME: place.path("empty-cache") };
  expect(await run(["tag", "set", "builds/2", "@builds/1"], elsewhere)).toMatchObject({
    status: 0,
    stderr: "",
  });
});

test("reads what a tag named before it moved, and nothing of one that was deleted", async () => {
  for (const text of ["first", "second"]) {
    await writeFile(place.path("client", text), text);
    expect(await run(["put", text])).toMatchObject({ status: 0 });
    expect(await run(["tag", "set", "builds/moved", sha256(text)])).toMatchObject({ status: 0 });
  }
  expect(await run(["get", "@builds/moved"])).toMatchObject({ status: 0, stdout: "second" });
  const first = { status: 0, stdout: "first", stderr: "" };
  expect(await run(["get", "@builds/moved@1"])).toEqual(first);
  const part = await run(["get", "@builds/moved@1", "--range", "1-2", "-o", "-"]);
  expect(part.stdout).toBe("ir");
  expect((await run(["stat", "@builds/moved@1"])).stdout).toContain(sha256("first"));
  // What it reads it may name again, here without the receipt of its put.
  const elsewhere = { XDG_CACHE_HOME: place.path("another-cache") };
  const again = await run(["tag", "set", "builds/again", "@builds/moved@1"], elsewhere);
  expect(again).toMatchObject({ status: 0, stderr: "" });
  expect(await run(["tag", "rm", "builds/moved"])).toMatchObject({ status: 0 });
  const withdrawn = await run(["get", "@builds/moved@1"]);
  expect(withdrawn).toMatchObject({ status: 7, stdout: "" });
  expect(withdrawn.stderr).toMatch(/hint: .*what they name, as @TAG, or named/);
  expect(await run(["get", "@builds/moved@3"])).toMatchObject({ status: 3, stdout: "" });
  expect(await run(["get", "@builds/moved"])).toMatchObject({ status: 3, stdout: "" });
  // An entry is a way for those whom its tag is for, and nobody else's.
  expect((await run(["get", sha256("first")])).stdout).toBe("");
});

test("puts and tags a collection in one process, without a file of receipts", async () => {
  const words = ["tag", "set", "builds/site", "--collection", "folder"];
  const set = await run(words, { XDG_CACHE_HOME: "", HOME: "" });
  expect(set).toMatchObject({ status: 0, stderr: "" });
  expect((await run(["get", "@builds/site", "--raw"])).stdout).toContain('"a"');
});

test("keeps receipts for the user alone, and neither token nor digest", async () => {
  await run(["put", "site"]);
  const folder = place.path("cache", "bitstore");
  expect(await readdir(folder)).toEqual(["receipts.ndjson"]);
  const file = `${folder}/receipts.ndjson`;
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const text = await readFile(file, "utf8");
  expect(text).not.toContain(confined.token);
  expect(text).not.toContain(sha256("site").slice(7));
  // A receipt of one token is none of another's, and none that has lapsed is sent.
  const theirs = await run(["tag", "set", "builds/3", sha256("site")], {
    BITSTORE_TOKEN: other.token,
  });
  expect(theirs).toMatchObject({ status: 6, stdout: "" });
  expect(theirs.stderr).toMatch(/hint: .*bitstore put/);
  await writeFile(file, text.replace(/"time":\d+/g, '"time":1'));
  expect(await run(["tag", "set", "builds/3", sha256("site")])).toMatchObject({ status: 6 });
  await writeFile(file, `no JSON\n${text}`);
  expect(await run(["tag", "set", "builds/3", sha256("site")])).toMatchObject({ status: 0 });
});

test("says of a token that is none what it goes by", async () => {
  const wrong = await run(["put", "hello"], { BITSTORE_TOKEN: mintToken().token });
  expect(wrong).toMatchObject({ status: 6, stdout: "" });
  expect(wrong.stderr).toMatch(/hint: .*BITSTORE_TOKEN/);
  expect(wrong.stderr).not.toContain("AWS");
  // Of several tiers one refused: the error is that none answered, and the hint is the same.
  for (const token of [mintToken().token, ""]) {
    for (const words of [
      ["get", absent],
      ["has", absent],
      ["stat", absent],
    ]) {
      const unread = await run(words, { BITSTORE_TOKEN: token });
      expect(unread, words[0]).toMatchObject({ status: 7 });
      expect(unread.stderr, words[0]).toMatch(/(?:hint|note): .*BITSTORE_TOKEN/);
      expect(unread.stderr, words[0]).not.toContain("AWS");
    }
  }
  const refused = await run(["ls"]);
  expect(refused).toMatchObject({ status: 6 });
  expect(refused.stderr).toMatch(/hint: .*what they name, as @TAG, or named/);
  // Of many digests it is said once.
  const many = await run(["has", absent, sha256("site")], { BITSTORE_TOKEN: mintToken().token });
  expect(many.stderr.match(/BITSTORE_TOKEN/g)).toHaveLength(1);
  // By digest alone it is not told even whether a blob is there.
  const unread = await run(["get", absent]);
  expect(unread.status).not.toBe(0);
  expect(unread.stderr).toMatch(/hint: .*what they name, as @TAG, or named/);
});

test("says what to write where a tier has a token, and the tags have none", async () => {
  const file = place.path("client", "two.yaml");
  const env = { BITSTORE_TOKEN: "", REMOTE_TOKEN: confined.token };
  const headers = '{ authorization: "Bearer env:REMOTE_TOKEN" }';
  const tiers = `tiers: [{ url: "memory:", role: cache }, { url: "${url}", headers: ${headers} }]\n`;
  const read = async (...args: readonly string[]): Promise<Ran> =>
    await runHere(["stat", "@builds/1", "--config", file, ...args], {
      cwd: place.path("client"),
      env,
    });
  await writeFile(file, tiers);
  const lacking = await read();
  expect(lacking).toMatchObject({ status: 2, stdout: "" });
  const hint = `metadata: { url: "${url}", headers: { authorization: … } }`;
  expect(lacking.stderr).toContain(hint);
  const bare = await read("--metadata", url);
  expect(bare).toMatchObject({ status: 6, stdout: "" });
  expect(bare.stderr).toMatch(/hint: .*metadata: \{ url: …, headers: \{ authorization: … \} \}/);
  // And that is how it is done.
  await writeFile(file, `${tiers}${hint.replace("{ authorization: … }", headers)}\n`);
  expect(await read()).toMatchObject({ status: 0, stderr: "" });
});

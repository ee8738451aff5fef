import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BlobApi, openBlobApi } from "./support/blob-api.ts";
import { absent, seeded, sha256 } from "./support/digests.ts";
import { openPlace, type Place } from "./support/run-bitstore.ts";

/** Shows `get` over the embedded default and over HTTP APIs that misbehave. */
describe("get", () => {
  let place: Place;
  let api: BlobApi;
  const hello = sha256("hello\n");
  const large = seeded(6 * 2 ** 20 + 3, 5);
  beforeAll(async () => {
    place = await openPlace();
    api = await openBlobApi();
    await writeFile(place.path("a.txt"), "hello\n");
    await writeFile(place.path("empty"), "");
    await writeFile(place.path("large.bin"), large);
    await place.run(["put", "a.txt", "empty", "large.bin"]);
  });
  afterAll(async () => {
    await api[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  it("writes bytes to stdout, from any form of the digest", async () => {
    const hex = hello.slice("sha256:".length);
    expect((await place.run(["get", hex.toUpperCase()])).stdout).toBe("hello\n");
    expect(await place.run(["get", sha256("")])).toMatchObject({ status: 0, stdout: "" });
    expect((await place.run(["get", sha256(large)])).bytes.equals(large)).toBe(true);
  });

  it("writes a file under its name at once, over an older one and through a link", async () => {
    await mkdir(place.path("out"));
    await writeFile(place.path("out", "old"), "older and longer than what comes");
    await symlink("old", place.path("out", "link"));
    const got = await place.run(["get", hello, "-o", "out/link"]);
    expect(got).toMatchObject({ status: 0, stdout: "", stderr: "" });
    expect(await readFile(place.path("out", "old"), "utf8")).toBe("hello\n");
    expect(await readlink(place.path("out", "link"))).toBe("old");
    expect(await readdir(place.path("out"))).toEqual(["link", "old"]);
    const name = `${"n".repeat(250)}.bin`;
    expect(await place.run(["get", hello, "-o", name])).toMatchObject({ status: 0 });
  });

  it("says with --json what it wrote, and does not mix bytes with it", async () => {
    const got = await place.run(["get", hello, "-o", "out.json", "--json"]);
    expect(got.records).toEqual([
      { digest: hello, size: 6, file: "out.json", tier: "blobs", role: "source", verified: true },
    ]);
    const mixed = await place.run(["get", hello, "--json"]);
    expect(mixed).toMatchObject({ status: 2, stdout: "" });
    expect(JSON.parse(mixed.stderr)).toMatchObject({ error: { code: "INVALID_ARGUMENT" } });
  });

  it("leaves no file where the blob is absent, and refuses folders", async () => {
    const before = await readdir(place.folder);
    const got = await place.run(["get", absent, "-o", "never"]);
    expect(got).toMatchObject({ status: 3, stdout: "" });
    expect(got.stderr).toBe(`bitstore: get ${absent}: no tier has it\n`);
    expect((await place.run(["get", hello, "-o", "."])).status).toBe(2);
    expect((await place.run(["get", hello, "-o", "no/such/folder"])).status).toBe(2);
    expect(await readdir(place.folder)).toEqual(before);
  });

  it("writes to a device as it is", async () => {
    const got = await place.bash(`bitstore get ${hello} -o /dev/stdout | cat; ls -l /dev/null`);
    expect(got.stdout).toMatch(/^hello\ncr/);
    await place.run(["get", hello, "-o", "/dev/null"]);
    expect((await stat("/dev/null")).isCharacterDevice()).toBe(true);
  });

  it.each([
    ["0-0", "h"],
    ["1-3", "ell"],
    ["2-", "llo\n"],
    ["-2", "o\n"],
    ["-999", "hello\n"],
    ["4-999", "o\n"],
  ])("cuts the range %s", async (range, bytes) => {
    expect(await place.run(["get", hello, "--range", range])).toMatchObject({
      status: 0,
      stdout: bytes,
      stderr: "",
    });
  });

  it.each(["6-", "5-2", "x", "-", "-0", "1-2,4-5", "1", "99999999999999999-"])(
    "refuses the range %j",
    async (range) => {
      const got = await place.run(["get", hello, "--range", range]);
      expect(got).toMatchObject({ status: 2, stdout: "" });
      expect(got.stderr).toMatch(/^bitstore: .*\n(hint: .*\n)?$/);
    },
  );

  it("says so where a range can't be verified", async () => {
    const got = await place.run(["get", sha256(large), "--range", "6291450-"]);
    expect(got.status).toBe(0);
    expect(got.bytes.equals(large.subarray(6_291_450))).toBe(true);
    expect(got.stderr).toMatch(/^note: the range from blobs is not verified/);
    expect((await place.run(["get", "-q", sha256(large), "--range", "0-9"])).stderr).toBe("");
  });

  it.each([
    ["nonsense", "a digest is algorithm:hex"],
    ["sha256:abc", "sha256 has 64 hex digits, this has 3"],
    ["\u001b[2J", "\\u001b[2J"],
    ["@la test", "may have A-Z a-z 0-9"],
  ])("refuses %j with a hint", async (argument, words) => {
    const got = await place.run(["get", argument]);
    expect(got).toMatchObject({ status: 2, stdout: "" });
    expect(got.stderr).toContain(words);
    expect(got.stderr).not.toContain("\u001b");
  });

  it("starts a file again from the next tier where large bytes turn out wrong", async () => {
    const right = seeded(5 * 2 ** 20, 9);
    const digest = api.add(right);
    const wrong = Buffer.from(right);
    wrong[0] = (wrong[0] ?? 0) ^ 1;
    await using bad = await openBlobApi();
    bad.answer(digest, (_request, response) => {
      response.writeHead(200, { "content-length": wrong.byteLength }).end(wrong);
    });
    const tiers = ["--tier", `${bad.url}?name=bad`, "--tier", `${api.url}?name=good`];
    const got = await place.run(["get", digest, "-o", "healed", "--json", ...tiers]);
    expect(got.status).toBe(0);
    expect(got.records[0]).toMatchObject({ tier: "good", size: right.byteLength });
    expect((await readFile(place.path("healed"))).equals(right)).toBe(true);
    expect(got.stderr).toContain("starting again");

    // What went to stdout can't be taken back: it ends short, and with 4.
    const piped = await place.run(["get", digest, ...tiers]);
    expect(piped.status).toBe(4);
    expect(piped.bytes.byteLength).toBeLessThan(right.byteLength);
    expect(piped.stderr).toMatch(/^bitstore: open sha256:.*: bad: the bytes are/);
  });

  it("shows with --verbose what tiers answer, and why an error came about", async () => {
    const digest = sha256("refused");
    api.answer(digest, (_request, response) => response.writeHead(403).end());
    const got = await place.run(["get", digest, "-v", "--tier", `${api.url}?name=api`]);
    expect(got.status).toBe(7);
    expect(got.stderr).toMatch(new RegExp(`^ {2}open {2}${digest} {2}api {2}denied {2}`, "m"));
    expect(got.stderr).toMatch(/^bitstore: open .*: no tier could deliver it: api denied/m);
    expect(got.stderr).toContain(`hint: bitstore explain ${digest}\n`);
    expect(got.stderr).toMatch(/^ {2}cause: StoreError: /m);
    const json = await place.run(["get", digest, "-o", "x", "--json", "--tier", api.url]);
    expect(JSON.parse(json.stderr)).toMatchObject({
      error: { code: "UNAVAILABLE", exit: 7, attempts: [{ outcome: "denied" }] },
    });
  });
});

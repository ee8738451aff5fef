import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BlobApi, openBlobApi } from "./support/blob-api.ts";
import { absent, sha256 } from "./support/digests.ts";
import { openPlace, parseLines, type Place } from "./support/run-bitstore.ts";

/** Shows `has`, `stat`, `explain`, `ls` and `rm`: their lines, their JSON and their statuses. */
describe("looking up blobs", () => {
  let place: Place;
  let api: BlobApi;
  const texts = ["one", "two", "three", "four"];
  const digests = texts.map((text) => sha256(text)).sort();
  const broken = sha256("the API fails for it");
  beforeAll(async () => {
    place = await openPlace();
    api = await openBlobApi();
    api.answer(broken, (_request, response) => response.writeHead(500).end());
    for (const text of texts) await writeFile(place.path(text), text);
    const put = await place.run(["put", ...texts]);
    await writeFile(place.path("list"), `\ufeff# a comment\r\n\n${put.stdout}${absent}\n`);
  });
  afterAll(async () => {
    await api[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  it("tells of digests, lists and stdin what is there, in order, and exits with 3", async () => {
    const has = await place.run(["has", sha256("two"), "list", "-"], { input: sha256("one") });
    const expected = ["two", ...texts].map((text) => `${sha256(text)}  present`);
    expected.push(`${absent}  missing`, `${sha256("one")}  present`);
    expect(has).toMatchObject({ status: 3, stdout: `${expected.join("\n")}\n`, stderr: "" });
    expect(await place.run(["has", sha256("one")])).toMatchObject({ status: 0 });
  });

  it("reads what it printed itself, and nothing from an empty stdin", async () => {
    const again = await place.bash("bitstore ls | bitstore has | bitstore has -");
    expect(again.status).toBe(0);
    expect(again.stdout.split("\n").filter((line) => line.endsWith("  present"))).toHaveLength(4);
    expect(await place.run(["has"])).toMatchObject({ status: 0, stdout: "", stderr: "" });
  });

  it("says unknown, and exits with 7, where a tier can't tell", async () => {
    const tiers = ["--tier", "./.bitstore/blobs", "--tier", `${api.url}?name=api`];
    const has = await place.run(["has", broken, absent, sha256("one"), "--json", ...tiers]);
    expect(has.status).toBe(7);
    expect(has.records).toMatchObject([
      { digest: broken, status: "unknown", error: { code: "UNAVAILABLE", attempts: [{}, {}] } },
      { digest: absent, status: "missing" },
      { digest: sha256("one"), status: "present", size: 3 },
    ]);
    const lines = parseLines(has.stderr);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toHaveProperty("note");
  });

  it("asks the origin alone with --durable", async () => {
    const onlyThere = api.add(Buffer.from("only in the API"));
    const tiers = ["--tier", "./.bitstore/blobs?origin=true", "--tier", api.url];
    expect((await place.run(["has", onlyThere, ...tiers])).stdout).toBe(`${onlyThere}  present\n`);
    const durable = await place.run(["has", "--durable", onlyThere, sha256("one"), ...tiers]);
    expect(durable.status).toBe(3);
    expect(durable.stdout).toBe(`${onlyThere}  missing\n${sha256("one")}  present\n`);
    const none = await place.run(["has", "--durable", absent, "--tier", api.url]);
    expect(none).toMatchObject({ status: 2, stdout: "" });
    expect(none.stderr).toMatch(/^bitstore: .*origin/);
  });

  it("goes on after a malformed line, and refuses what is neither a digest nor a file", async () => {
    const has = await place.run(["has", "-"], { input: `nonsense x\n${sha256("one")}\n` });
    expect(has).toMatchObject({ status: 2, stdout: `${sha256("one")}  present\n` });
    expect(has.stderr).toMatch(/^bitstore: nonsense: parse digest "nonsense": /);
    const neither = await place.run(["has", "sha256:123"]);
    expect(neither).toMatchObject({ status: 2, stdout: "" });
    expect(neither.stderr).toBe(
      'bitstore: "sha256:123" is neither a digest nor a file\n' +
        "hint: sha256 has 64 hex digits, this has 3\n",
    );
    const noList = await place.run(["has", "-"], { input: Buffer.alloc(70_000, "x") });
    expect(noList.status).toBe(2);
    expect(noList.stderr).toMatch(/longer than 65536/);
  });

  it("prints sizes with stat, and exits with 3 where one is missing", async () => {
    const stat = await place.run(["stat", sha256("three"), absent, sha256("one")]);
    expect(stat.status).toBe(3);
    expect(stat.stdout).toBe(`${sha256("three")}  5\n${sha256("one")}  3\n`);
    expect(stat.stderr).toBe(`bitstore: stat ${absent}: no tier has it\n`);
    expect((await place.run(["stat", "--json", sha256("one")])).records).toEqual([
      { digest: sha256("one"), size: 3 },
    ]);
  });

  it("explains as a table what each tier said, and what was not asked", async () => {
    const tiers = ["--cache", "./cold", "--tier", "./.bitstore/blobs?name=ours"];
    const more = ["--tier", `${api.url}?name=api`, "--tier", "./x?layout=flat&algorithm=sha1"];
    const explain = await place.run(["explain", sha256("one"), ...tiers, ...more]);
    expect(explain).toMatchObject({ status: 0, stderr: "" });
    const lines = explain.stdout.split("\n").map((line) => line.split(/ {2,}/));
    expect(lines[0]).toEqual(["TIER", "ROLE", "OUTCOME", "TIME", "BYTES", "WHY"]);
    expect(lines.slice(1, 5)).toEqual([
      ["cold", "cache", "miss", expect.stringMatching(/ m?s$/)],
      ["ours", "source", "hit", expect.stringMatching(/ m?s$/), "3 B"],
      ["api", "source", "not asked", "a tier before it answered"],
      ["x", "source", "not asked", "it holds no sha256"],
    ]);
    expect(explain.stdout).toContain("\n\nfound in ours: 3 bytes, verified\n");
    // It fills nothing: the cache has none of it now.
    expect((await place.run(["explain", sha256("one"), ...tiers])).stdout).toContain("cold  cache");
    const cached = await place.run(["ls", "--tier", "./none", "--cache", "./cold"]);
    expect(cached.stdout).toBe("");
  });

  it("explains as JSON, with 3 for absent and 7 for unavailable", async () => {
    const tiers = ["--tier", "./.bitstore/blobs", "--tier", `${api.url}?name=api`];
    const missing = await place.run(["explain", absent, "--json", ...tiers]);
    expect(missing.status).toBe(3);
    expect(missing.records).toMatchObject([
      { digest: absent, outcome: "absent", attempts: [{ outcome: "miss" }, { outcome: "miss" }] },
    ]);
    const failed = await place.run(["explain", broken, "--json", ...tiers]);
    expect(failed.status).toBe(7);
    expect(failed.records).toMatchObject([
      {
        outcome: "unavailable",
        attempts: [
          { tier: "blobs" },
          { tier: "api", outcome: "failed", error: { code: "UNAVAILABLE" } },
        ],
      },
    ]);
  });

  it("lists digests in ascending order, from one on, and as many as asked", async () => {
    const sizes = new Map(texts.map((text) => [sha256(text), text.length]));
    const lines = digests.map((digest) => `${digest}  ${sizes.get(digest)}\n`);
    expect((await place.run(["ls"])).stdout).toBe(lines.join(""));
    const some = await place.run(["ls", "--after", digests[0] ?? "", "-n", "2"]);
    expect(some.stdout).toBe(lines.slice(1, 3).join(""));
    expect((await place.run(["ls", "-n1", "--json"])).records).toEqual([
      { digest: digests[0], size: sizes.get(digests[0] ?? "") },
    ]);
    const bad = await place.run(["ls", "-n", "0"]);
    expect(bad).toMatchObject({ status: 2, stdout: "" });
    expect((await place.run(["ls", "--after", "zz"])).status).toBe(2);
  });

  it("notes which tiers it leaves out, and fails where none can list", async () => {
    const some = await place.run([
      "ls",
      "--tier",
      "./.bitstore/blobs",
      "--tier",
      `${api.url}?name=api`,
    ]);
    expect(some.stdout.split("\n")).toHaveLength(5);
    expect(some.stderr).toBe("note: not listed, since they can't list: api\n");
    const none = await place.run(["ls", "--tier", api.url]);
    expect(none).toMatchObject({ status: 2, stdout: "" });
  });

  it("deletes, says what was missing, and deletes nothing where an argument is malformed", async () => {
    const store = ["--tier", "./deletable"];
    const put = await place.run(["put", "one", "two", ...store]);
    expect(put.status).toBe(0);
    const malformed = await place.run(["rm", sha256("one"), "nonsense", ...store]);
    expect(malformed).toMatchObject({ status: 2, stdout: "" });
    const rm = await place.run(["rm", sha256("one"), absent, ...store]);
    expect(rm).toMatchObject({ status: 3, stderr: "" });
    expect(rm.stdout).toBe(`${sha256("one")}  deleted\n${absent}  missing\n`);
    expect((await place.run(["ls", ...store])).stdout).toBe(`${sha256("two")}  3\n`);
    expect((await place.run(["rm", "--json", sha256("two"), ...store])).records).toMatchObject([
      { digest: sha256("two"), outcome: "deleted", attempts: [{ outcome: "hit" }] },
    ]);
  });
});

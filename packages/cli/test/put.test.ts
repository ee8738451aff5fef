import { mkdir, readdir, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seeded, sha256 } from "./support/digests.ts";
import { openPlace, type Place } from "./support/run-bitstore.ts";

/** Shows `put` over the embedded default: the real command, in a folder and a home of its own. */
describe("put", () => {
  let place: Place;
  beforeAll(async () => {
    place = await openPlace();
    await writeFile(place.path("a.txt"), "hello\n");
    await writeFile(place.path("empty"), "");
    await writeFile(place.path("large.bin"), seeded(3_000_001));
    await writeFile(place.path("-x"), "dash");
    await mkdir(place.path("folder"));
  });
  afterAll(async () => place[Symbol.asyncDispose]());

  it("prints digest and name in the order given, and stores what get gives back", async () => {
    const names = ["large.bin", "empty", "a.txt"];
    const put = await place.run(["put", ...names]);
    expect(put).toMatchObject({ status: 0, stderr: "" });
    const bytes = [seeded(3_000_001), "", "hello\n"];
    expect(put.stdout).toBe(bytes.map((each, at) => `${sha256(each)}  ${names[at]}\n`).join(""));
    const got = await place.run(["get", sha256(seeded(3_000_001))]);
    expect(got).toMatchObject({ status: 0, stderr: "" });
    expect(got.bytes.equals(seeded(3_000_001))).toBe(true);
  });

  it("stores what comes from stdin, with - and without an argument", async () => {
    const input = seeded(5 * 2 ** 20, 7);
    expect(await place.run(["put"], { input })).toMatchObject({
      status: 0,
      stdout: `${sha256(input)}  -\n`,
    });
    const json = await place.run(["put", "--json", "a.txt", "-"], { input: "typed" });
    expect(json.records).toEqual([
      { digest: sha256("hello\n"), size: 6, name: "a.txt", outcome: expect.any(String) },
      { digest: sha256("typed"), size: 5, name: "-", outcome: "created" },
    ]);
    // What was spooled while it was hashed is gone.
    expect(await readdir(place.temporary)).toEqual([]);
  });

  it("goes on after a file that can't be stored, and ends with the worst status", async () => {
    const put = await place.run(["put", "nothing-here", "a.txt", "folder"]);
    expect(put.status).toBe(2);
    expect(put.stdout).toBe(`${sha256("hello\n")}  a.txt\n`);
    expect(put.stderr).toBe(
      "bitstore: put nothing-here: no such file or directory\n" +
        "bitstore: put folder: it is a directory; blobs are files\n" +
        "hint: find DIRECTORY -type f -exec bitstore put {} +\n",
    );
  });

  it("says with --json on stderr what failed, with the item's name", async () => {
    const put = await place.run(["put", "--json", "nothing-here"]);
    expect(put).toMatchObject({ status: 2, stdout: "" });
    expect(JSON.parse(put.stderr)).toEqual({
      error: {
        code: "INVALID_ARGUMENT",
        message: "put nothing-here: no such file or directory",
        operation: "put",
        subject: "nothing-here",
        exit: 2,
        persistence: "permanent",
        item: "nothing-here",
      },
    });
  });

  it("takes an algorithm, by option or from the origin, and refuses one it does not know", async () => {
    const sha1 = "sha1:f572d396fae9206628714fb2ce00f72e94f2258f";
    const options = await place.run(["put", "--algorithm", "sha1", "a.txt"]);
    expect(options.stdout).toBe(`${sha1}  a.txt\n`);
    const origin = await place.run(["put", "a.txt", "--tier", "./flat?layout=flat&algorithm=sha1"]);
    expect(origin).toMatchObject({ status: 0, stdout: `${sha1}  a.txt\n` });
    const unknown = await place.run(["put", "--algorithm", "md5", "a.txt"]);
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toContain("argument 'md5' is invalid");
  });

  it("stores pipes and names that start with a hyphen", async () => {
    const put = await place.bash("bitstore put <(printf piped) -- -x");
    expect(put.status).toBe(0);
    expect(put.stdout.split("\n").map((line) => line.split("  ")[0])).toEqual([
      sha256("piped"),
      sha256("dash"),
      "",
    ]);
  });

  it("escapes hostile names on stdout, in JSON and in errors", async () => {
    const name = "evil\u001b[31m\nsha256:forged  \u202etxt";
    await writeFile(place.path(name), "x");
    const text = await place.run(["put", name, `${name}-not-there`]);
    expect(text.status).toBe(2);
    expect(text.stdout).toBe(`${sha256("x")}  evil\\u001b[31m\\u000asha256:forged  \\u202etxt\n`);
    expect(text.stderr).not.toMatch(/\u001b|\u202e/);
    expect(text.stderr.trimEnd()).not.toContain("\n");
    const json = await place.run(["put", "--json", name]);
    expect(json.stdout).not.toMatch(/\u001b|\u202e/);
    expect(json.records[0]).toMatchObject({ name });
  });

  it("refuses stdin twice, and says so where no tier is writable", async () => {
    expect(await place.run(["put", "-", "-"])).toMatchObject({ status: 2, stdout: "" });
    const reader = await place.run(["put", "a.txt", "--tier", "./ro?readOnly=true"]);
    expect(reader).toMatchObject({ status: 2, stdout: "" });
    expect(reader.stderr).toMatch(/^bitstore: .*no tier is writable; mark the one.*\n$/);
    const several = await place.run(["put", "a.txt", "--tier", "./one", "--tier", "./two"]);
    expect(several.status).toBe(2);
    expect(several.stderr).toMatch(/one, two could each be the origin/);
  });

  it("names the file and the store where the store can't be written", async () => {
    const put = await place.run(["put", "large.bin", "a.txt", "--tier", "./a.txt/store"]);
    expect(put).toMatchObject({ status: 7, stdout: "" });
    expect(put.stderr).toMatch(/^bitstore: large\.bin: .*\nbitstore: a\.txt: .*\n/);
    expect(put.stderr).toContain("a.txt/store");
  });

  it("reads a named pipe once", async () => {
    await place.bash("mkfifo fifo");
    const put = await place.bash("(printf 'through a pipe' > fifo) & bitstore put fifo");
    expect(put).toMatchObject({ status: 0, stdout: `${sha256("through a pipe")}  fifo\n` });
  });
});

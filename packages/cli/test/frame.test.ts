import { mkdir, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { absent, sha256 } from "./support/digests.ts";
import { openPlace, type Place } from "./support/run-bitstore.ts";

/** Shows what all commands share: global options, help, mistakes on the command line, the config. */
describe("the frame", () => {
  let place: Place;
  beforeAll(async () => {
    place = await openPlace();
    await writeFile(place.path("a.txt"), "hello\n");
  });
  afterAll(async () => place[Symbol.asyncDispose]());

  it("asks --tier and --cache in the order in which they are written, before and after", async () => {
    await mkdir(place.path("one"));
    await mkdir(place.path("three"));
    const words = ["--tier", "./one", "--cache", "./two", "explain", absent, "--tier", "./three"];
    const explain = await place.run([...words, "--cache", "./four", "--json"]);
    expect(explain.status).toBe(3);
    const order = ["one", "two", "three", "four"];
    expect(explain.records).toMatchObject([{ attempts: order.map((tier) => ({ tier })) }]);
  });

  it("puts --cache alone in front of the default, which then fills it", async () => {
    await place.run(["put", "a.txt"]);
    const got = await place.run(["get", sha256("hello\n"), "--cache", "./near", "-v"]);
    expect(got.stdout).toBe("hello\n");
    expect(got.stderr.split("\n").map((line) => line.trim().split(/ {2,}/).slice(0, 4))).toEqual([
      ["open", sha256("hello\n"), "near", "miss"],
      ["open", sha256("hello\n"), "blobs", "hit"],
      ["fill", sha256("hello\n"), "near", "filled"],
      [""],
    ]);
    const again = await place.run([
      "get",
      sha256("hello\n"),
      "--cache",
      "./near",
      "-o",
      "x",
      "--json",
    ]);
    expect(again.records).toMatchObject([{ tier: "near", role: "cache" }]);
  });

  it("prints the version and help to stdout, for every command", async () => {
    const version = await place.run(["--version"]);
    expect(version).toMatchObject({ status: 0, stderr: "" });
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const help = await place.run(["--help"]);
    expect(help).toMatchObject({ status: 0, stderr: "" });
    const commands = [...help.stdout.matchAll(/^ {2}([a-z]+) .* {2}/gm)].map(([, name]) => name);
    for (const name of ["put", "get", "fetch", "has", "stat", "explain", "ls", "rm", "cp"]) {
      expect(commands).toContain(name);
    }
    for (const name of ["tag", "verify", "cache", "gc", "doctor", "init", "demo", "completion"]) {
      expect(commands).toContain(name);
    }
    for (const name of ["task", "replay", "ingest"]) {
      expect(commands).not.toContain(name);
    }
    const get = await place.run(["get", "--help"]);
    expect(get).toMatchObject({ status: 0, stderr: "" });
    expect(get.stdout).toMatch(/^Usage: bitstore get .*\n[^]*Global options:\n[^]*--tier <url>/);
    const prune = await place.run(["cache", "prune", "--help"]);
    expect(prune.stdout).toMatch(/^Usage: bitstore cache prune /);
    expect((await place.run(["help", "cache"])).stdout).toMatch(/^Usage: bitstore cache /);
  });

  it("prints help to stderr where no command is given", async () => {
    const bare = await place.run([]);
    expect(bare).toMatchObject({ status: 2, stdout: "" });
    expect(bare.stderr).toMatch(/^Usage: bitstore/);
    const json = await place.run(["--json"]);
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: "INVALID_ARGUMENT" } });
  });

  it.each([
    [["ptu"], "bitstore: unknown command 'ptu'\nhint: did you mean put?\n"],
    [["--josn", "ls"], "bitstore: unknown option '--josn'\nhint: did you mean --json?\n"],
    [
      ["put", "--algorythm", "x"],
      "bitstore: unknown option '--algorythm'\nhint: did you mean --algorithm?\n",
    ],
    [["get"], "bitstore: missing required argument 'digest'\nhint: bitstore get --help\n"],
    [
      ["ls", "-n"],
      "bitstore: option '-n, --number <count>' argument missing\nhint: bitstore ls --help\n",
    ],
  ])("says of %j what is wrong, and what was meant", async (words, stderr) => {
    expect(await place.run(words)).toMatchObject({ status: 2, stdout: "", stderr });
  });

  it("keeps to JSON where the command line is wrong before --json", async () => {
    const wrong = await place.run(["ptu", "\u001b[2J", "--json"]);
    expect(wrong).toMatchObject({ status: 2, stdout: "" });
    expect(JSON.parse(wrong.stderr)).toMatchObject({
      error: { code: "INVALID_ARGUMENT", hint: "did you mean put?", exit: 2 },
    });
  });

  it("names file, line and key of each mistake in the config", async () => {
    const text =
      "tiers:\n  - { name: a, url: ./a, rol: cache }\n  - { name: b, url: 'nope://x' }\n";
    await writeFile(place.path("wrong.yaml"), text);
    const ls = await place.run(["ls", "--config", "wrong.yaml"]);
    expect(ls).toMatchObject({ status: 2, stdout: "" });
    const lines = ls.stderr.split("\n");
    expect(lines[0]).toMatch(
      /^bitstore: wrong\.yaml:2:\d+: tiers\[0\]\.rol: .*did you mean "role"\?/,
    );
    expect(lines[1]).toMatch(/^bitstore: wrong\.yaml:3:\d+: tiers\[1\]\.url: /);
    const json = await place.run(["ls", "--config", "wrong.yaml", "--json"]);
    expect(JSON.parse(json.stderr)).toMatchObject({
      error: { code: "CONFIG_INVALID", problems: [expect.any(String), expect.any(String)] },
    });
    const none = await place.run(["ls", "--config", "none.yaml"]);
    expect(none.status).toBe(2);
    expect(none.stderr).toMatch(/none\.yaml/);
    const variable = await place.run(["ls"], { env: { BITSTORE_CONFIG: "wrong.yaml" } });
    expect(variable.status).toBe(2);
  });

  it("prints no secret of a URL, not even of one that it refuses", async () => {
    const url = "https://someone:hunter2@host.example/{hex}";
    for (const words of [
      ["ls", "--tier", url],
      ["cp", "--from", url, "--to", "./x"],
    ]) {
      const ended = await place.run([...words, "-v"]);
      expect(ended.status).toBe(2);
      expect(ended.stdout + ended.stderr).not.toContain("hunter2");
    }
  });

  it("writes no colours into pipes, and notes nothing with --quiet", async () => {
    const explain = await place.run(["explain", absent], { env: { FORCE_COLOR: "1" } });
    expect(explain.stdout).not.toContain("\u001b");
    const words = ["cp", "--from", "./.bitstore/blobs", "--to", "./copy"];
    expect(await place.run([...words, "--quiet"])).toMatchObject({
      status: 0,
      stderr: "",
      stdout: "",
    });
  });
});

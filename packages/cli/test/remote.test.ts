import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { loadConfig, openComposite, openTags } from "@bitstore/config";
import { createServer } from "@bitstore/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Io } from "../src/frame/io.ts";
import { runCli } from "../src/run-cli.ts";
import { absent, sha256 } from "./support/digests.ts";
import { openPlace, type Place } from "./support/run-bitstore.ts";

// The same commands run on a directory and on a server that serves one, each line one after the other:
// what they print, the files they write and the statuses they end with are the same, but for times,
// nonces and what only the place's own name can say.

const one = sha256("one");
const two = sha256("two");

/** The lines of the scenario; `HOME` stands for where the files of this run are. */
const scenario: readonly (readonly string[])[] = [
  ["put", "one", "two", "large", "empty"],
  ["put", "one"],
  ["put", "-", "--algorithm", "sha512"],
  ["put", "nothing-there"],
  ["has", one, absent, two],
  ["has", one, absent, "--durable", "--json"],
  ["stat", one, "--json"],
  ["stat", absent],
  ["explain", one, "--json"],
  ["explain", absent],
  ["get", one],
  ["get", absent],
  ["get", one, "--range", "1-"],
  ["get", one, "--range", "7-9"],
  ["get", "large-digest", "-o", "OUT/large"],
  ["get", "large-digest", "--range", "5000000-5000009", "-o", "OUT/part"],
  ["ls"],
  ["ls", "--json"],
  ["fetch", "ids", "--ordered", "--to", "OUT/files", "--report", "OUT/report"],
  ["fetch", "ids", "--ordered", "--to", "OUT/files", "--json"],
  ["verify"],
  ["tag", "ls"],
  ["tag", "get", "models/prod"],
  ["tag", "set", "models/prod", one, "--reason", "first"],
  ["tag", "set", "models/prod", two, "--expect", "1", "--annotation", "a=b", "--json"],
  ["tag", "set", "models/prod", one, "--expect", "1"],
  ["tag", "set", "models/prod", one, "--expect", "absent"],
  ["tag", "set", "models/prod", one, "--expect", two],
  ["tag", "set", "models/none", absent],
  ["tag", "set", "models/forced", absent, "--force"],
  ["tag", "set", "bad//name", one],
  ["tag", "get", "models/prod"],
  ["tag", "get", "models/prod@1", "--json"],
  ["tag", "get", "models/prod@9"],
  ["tag", "log", "models/prod"],
  ["tag", "log", "models/prod", "--json"],
  ["get", "@models/prod"],
  ["tag", "rollback", "models/prod", "2"],
  ["tag", "rm", "models/prod"],
  ["tag", "rm", "models/prod"],
  ["tag", "get", "models/prod"],
  ["tag", "rollback", "models/prod", "1"],
  ["tag", "ls", "models/"],
  ["tag", "verify", "models/prod"],
  ["tag", "set", "sets/folder", "--collection", "folder"],
  ["get", "@sets/folder", "-o", "OUT/folder"],
  ["rm", two],
  ["rm", two],
  ["has", two],
  ["doctor"],
];

interface Done {
  readonly line: string;
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe("the command line on another bitstore", () => {
  let place: Place;
  let url: string;
  let close: () => Promise<void>;
  let large: string;

  beforeAll(async () => {
    place = await openPlace();
    const bytes = Buffer.alloc(5_300_000, "large enough to be streamed ");
    large = sha256(bytes.toString());
    for (const text of ["one", "two"]) await writeFile(place.path(text), text);
    await writeFile(place.path("large"), bytes);
    await writeFile(place.path("empty"), "");
    await writeFile(place.path("ids"), `${one}\n${large}\n${absent}\nno digest\n${one}\n`);
    await mkdir(place.path("folder"));
    for (const name of ["a", "b"]) await writeFile(place.path("folder", name), `in ${name}`);
    const cwd = place.path("served");
    await mkdir(cwd);
    const config = await loadConfig({ cwd, env: {} });
    const opened = await openComposite(config, { env: {} });
    const server = createServer({
      open: () =>
        Promise.resolve({
          namespace: "default",
          store: opened.store,
          tags: openTags(opened, { actor: "server", client: "test" }),
          health: () => opened.health(),
          [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
        }),
    });
    ({ url } = await server.listen());
    close = () => server.close({ drainMs: 100 });
  });
  afterAll(async () => {
    await close();
    await place[Symbol.asyncDispose]();
  });

  /** Runs one line, in this process: a hundred of their own would take minutes. */
  async function run(args: readonly string[], where: readonly string[]): Promise<Done> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const io: Io = {
      stdin: Readable.from([Buffer.from("from stdin")]),
      stdout,
      stderr,
      env: { BITSTORE_ACTOR: "alice", HOME: place.folder },
      cwd: place.folder,
      onSignal: () => () => undefined,
      onHangUp: () => () => undefined,
      end: () => undefined,
    };
    const printed = Promise.all([buffer(stdout), buffer(stderr)]);
    const status = await runCli([...args, ...where], io);
    stdout.end();
    stderr.end();
    const [out, errors] = await printed;
    return { line: args.join(" "), status, stdout: out.toString(), stderr: errors.toString() };
  }

  async function runAll(name: string, where: readonly string[]): Promise<Done[]> {
    const folder = place.path(`out-${name}`);
    await mkdir(folder);
    const done: Done[] = [];
    for (const line of scenario) {
      const args = line.map((word) =>
        word.replace(/^OUT\//, `${folder}/`).replace("large-digest", large),
      );
      done.push(await run(args, where));
    }
    return done.map((each) => ({
      line: each.line.replaceAll(folder, "OUT"),
      status: each.status,
      stdout: comparable(each.stdout.replaceAll(folder, "OUT")),
      // What a failure says names the place that failed; its first words are what scripts look at.
      stderr: each.stderr === "" ? "" : "says why",
    }));
  }

  it("prints, writes and ends as on a directory", { timeout: 180_000 }, async () => {
    const local = ["--tier", "./local/blobs?origin=true&name=place", "--metadata", "./local/tags"];
    const remote = ["--tier", `bitstore+${url}?name=place`];
    const here = await runAll("here", local);
    const there = await runAll("there", remote);
    for (const [at, done] of here.entries()) {
      if (done.line === "doctor") expect([done.status, there[at]?.status]).toEqual([0, 0]);
      else expect.soft(there[at], done.line).toEqual(done);
    }
    // The scenario is worth something: most of it ends well, and the rest for reasons of its own.
    const statuses = here.map(({ status }) => status);
    expect(statuses.filter((status) => status === 0).length).toBeGreaterThan(30);
    expect(new Set(statuses)).toEqual(new Set([0, 2, 3, 5, 7]));
    for (const file of ["large", "part", "folder/a", "folder/b"]) {
      const [mine, theirs] = await Promise.all(
        ["here", "there"].map((name) => readFile(join(place.path(`out-${name}`), file))),
      );
      expect(theirs, file).toEqual(mine);
    }
  });

  it("copies between a directory and a server, both ways", async () => {
    const server = `bitstore+${url}`;
    await writeFile(place.path("three"), "three");
    expect((await run(["put", "three"], ["--tier", "./other?origin"])).status).toBe(0);
    expect((await run(["cp", "--from", "./other", "--to", server], [])).status).toBe(0);
    expect((await run(["get", sha256("three")], ["--tier", server])).stdout).toBe("three");
    expect((await run(["cp", "--from", server, "--to", "./copy"], [])).status).toBe(0);
    const mine = await run(["ls"], ["--tier", "./copy"]);
    expect(mine.stdout).toBe((await run(["ls"], ["--tier", server])).stdout);
    expect(mine.stdout).toContain(sha256("three"));
  });

  it("watches a tag of a server", async () => {
    const where = ["--tier", `bitstore+${url}`];
    expect((await run(["put", "one"], where)).status).toBe(0);
    expect((await run(["tag", "set", "watched", one], where)).status).toBe(0);
    const words = ["tag", "watch", "watched", "--json", ...where];
    const { child, ended } = place.start(words);
    if (child.stdout === null) throw new TypeError("the child's streams are pipes");
    await once(child.stdout, "data");
    child.kill("SIGINT");
    const { records, status } = await ended;
    expect(records).toMatchObject([{ tag: "watched", seq: 1 }]);
    expect(status).toBe(130);
  });

  it("says what it needs where nothing listens, and ends with 7", async () => {
    const none = await run(["get", one], ["--tier", "bitstore+http://127.0.0.1:9"]);
    expect(none).toMatchObject({ status: 7, stdout: "" });
    expect(none.stderr).toContain("nothing listens there");
  });
});

/** Takes out what differs from run to run: times, nonces, hashes of manifests, who wrote with what. */
function comparable(text: string): string {
  return (
    text
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
      .replace(/"(nonce|sha256|client)":"[^"]*"/g, '"$1":"…"')
      .replace(/"namespace":"[^"]*"/g, "")
      .replace(/"(elapsedMs|ms)":[\d.]+/g, '"$1":0')
      .replace(/\b\d+(\.\d+)? ?(ms|s|MB\/s|MiB\/s)\b/g, "FIGURE")
      // The hash of a manifest, which has the time in it; those of blobs have their algorithm before.
      .replace(/(?<!:)\b[0-9a-f]{64}\b/g, "HASH")
      // Columns are as wide as the times in them.
      .replace(/ +/g, " ")
  );
}

import { readdir, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { absent, sha256 } from "./support/digests.ts";
import { openPlace, type Place } from "./support/run-bitstore.ts";
import { type Ran, runHere } from "./support/run-here.ts";

// What commands say to somebody who uses them for the first time: a check that checked nothing says
// so, a hint fits its error, and what is wrong with a list is said by its line.

let place: Place;
beforeAll(async () => {
  place = await openPlace();
  for (const text of ["one", "two"]) await writeFile(place.path(text), text);
  expect(await run(["put", "one", "two"])).toMatchObject({ status: 0 });
});
afterAll(() => place[Symbol.asyncDispose]());

async function run(args: readonly string[], input = ""): Promise<Ran> {
  return await runHere(args, { cwd: place.folder, env: {}, input });
}

test("an audit log that is not there is not one without faults", async () => {
  for (const words of [["verify"], ["log"], ["log", "--principal", "ci"]]) {
    const none = await run(["audit", ...words, "--metadata", "./nothing-audited"]);
    expect(none, words.join(" ")).toMatchObject({ status: 3, stdout: "" });
    expect(none.stderr).toMatch(/audit log: .*there is none\nhint: .*--config/);
  }
});

test("a token that has ended is not made, and how to write its end is said", async () => {
  const create = ["token", "create", "--name", "ci", "--scope", "read", "--expires"];
  const past = await run([...create, "2020-01-01"]);
  expect(past).toMatchObject({ status: 2, stdout: "" });
  expect(past.stderr).toContain('"2020-01-01" has passed');
  const word = await run([...create, "tomorrow"]);
  expect(word).toMatchObject({ status: 2, stdout: "" });
  expect(word.stderr).not.toContain("ago");
  expect(word.stderr).toContain("90d for in 90 days");
  const days = await run([...create, "90d", "--json"]);
  const { entry } = JSON.parse(days.stdout) as { entry: { expires: string } };
  const inDays = (Date.parse(entry.expires) - Date.now()) / 86_400_000;
  expect(inDays).toBeGreaterThan(89);
  expect(inDays).toBeLessThan(91);
});

test("a scope that is none is answered with those that there are", async () => {
  const wrong = await run(["token", "create", "--name", "ci", "--scope", "read,all"]);
  expect(wrong).toMatchObject({ status: 2, stdout: "" });
  expect(wrong.stderr).toContain('"all" is no scope: they are read, write, delete, tag, admin');
});

test("hints fit what is wrong", async () => {
  await writeFile(
    place.path("secret.yaml"),
    "tiers: [{ url: ./blobs, origin: true }]\nmetadata: ./tags\n" +
      "server: { auth: { secret: 'env:BITSTORE_SECRET', anonymous: { scopes: [read] } } }\n",
  );
  const unset = await run(["serve", "--port", "0", "--config", "secret.yaml"]);
  expect(unset).toMatchObject({ status: 2 });
  expect(unset.stderr).toMatch(/hint: export BITSTORE_SECRET=/);
  const file = await run(["put", "two", "--tier", "./one?origin"]);
  expect(file.stderr).toContain("the root is no directory");
  expect(file.status).not.toBe(0);
  expect(file.stderr).not.toContain("bitstore init");
  // Where the config is what lacks something, that hint stays.
  const lacking = await run(["tag", "ls", "--tier", "./.bitstore/blobs"]);
  expect(lacking).toMatchObject({ status: 2 });
  expect(lacking.stderr).toContain("bitstore init");
});

test("help is printed of a command below another", async () => {
  const help = await run(["help", "tag", "set"]);
  expect(help.status).toBe(0);
  expect(help.stdout).toMatch(/^Usage: bitstore tag set /);
});

test("gc says how long a grace is at least, and that a server is collected where it is", async () => {
  const short = await run(["gc", "--enable", "--grace", "1m"]);
  expect(short).toMatchObject({ status: 2, stdout: "" });
  expect(short.stderr).toContain("--grace is to be 1h at least");
  const server = await run(["gc", "--tier", "bitstore+http://127.0.0.1:9"]);
  expect(server).toMatchObject({ status: 2, stdout: "" });
  expect(server.stderr).toMatch(/collected where it is.*\nhint: .*on that machine/);
});

test("a malformed ID is told by its line, and of columns how to name one", async () => {
  const one = sha256("one");
  await writeFile(place.path("ids.csv"), `id,what\n1,${one}\n2,${one}\n`);
  const wrong = await run(["fetch", "ids.csv", "--to", "a"]);
  expect(wrong.status).toBe(7);
  expect(wrong.stderr).toContain('line 2, "id": "1" is no digest');
  expect(wrong.stderr).toMatch(/note: .*in "id"; --column NAME/);
  const named = await run(["fetch", "ids.csv", "--column", "id", "--to", "a"]);
  expect(named.stderr).toContain('line 2, "id": "1" is no digest');
  expect(named.stderr).not.toContain("--column");
  expect(await run(["fetch", "ids.csv", "--column", "what", "--to", "b"])).toMatchObject({
    status: 0,
  });
  // A column whose name says that it has digests goes before one that may hold anything.
  await writeFile(place.path("named.csv"), `id,sha256\n1,${one}\n`);
  expect(await run(["fetch", "named.csv", "--to", "c"])).toMatchObject({ status: 0 });
  const lines = await run(["fetch", "-", "--to", "d"], `# a list\n1,${one}\n`);
  expect(lines.status).toBe(7);
  expect(lines.stderr).toContain("line 2");
  expect(lines.stderr).toContain("--format csv --column NAME");
});

test("fetch says which report names what it does not", async () => {
  const ids = Array.from({ length: 22 }, (_, index) => sha256(`absent ${index}`)).join("\n");
  const without = await run(["fetch", "-", "--to", "f"], ids);
  expect(without.stderr).toContain("missing or failed; --report FILE names them all");
  const reported = await run(["fetch", "-", "--to", "f", "--report", "all.ndjson"], ids);
  expect(reported.status).toBe(3);
  expect(reported.stderr).toContain("missing or failed; all.ndjson names them all");
  expect(reported.stderr).not.toContain("--report");
});

test("fetch with a digest for its list says how a list is given", async () => {
  const digest = await run(["fetch", absent, "--to", "e"]);
  expect(digest).toMatchObject({ status: 2, stdout: "" });
  expect(digest.stderr).toContain("and fetch reads a list");
  expect(digest.stderr).toMatch(/hint: echo sha256:\S+ \| bitstore fetch - --to e, .*bitstore has/);
});

test("a copy that may not be repaired is told with what would let it be", async () => {
  const hex = sha256("two").slice(7);
  const stores = ["--tier", "./.bitstore/blobs?origin=true", "--tier", "./rotten"];
  expect(await run(["cp", "--from", "./.bitstore/blobs", "--to", "./rotten"])).toMatchObject({
    status: 0,
  });
  const names = await readdir(place.path("rotten"), { recursive: true });
  const name = names.find((each) => each.endsWith(hex) || each.endsWith(hex.slice(4)));
  await writeFile(place.path("rotten", name ?? ""), "TWO");
  const verify = await run(["verify", "--repair", ...stores]);
  expect(verify.status).toBe(4);
  expect(verify.stderr).toMatch(/note: not repaired in rotten: .*heal=true/);
});

test("a file that is too large for the journal says so where the origin fails", async () => {
  await writeFile(place.path("not-mounted"), "");
  await writeFile(
    place.path("journal.yaml"),
    "tiers: [{ url: ./not-mounted/blobs, origin: true }]\nack: cache\njournal: { bytesMax: 64KiB }\n",
  );
  await writeFile(place.path("large"), Buffer.alloc(100_000));
  const put = await run(["put", "large", "--config", "journal.yaml"]);
  expect(put.status).not.toBe(0);
  expect(put.stderr).toMatch(/hint: it has 97\.7 KiB, and the journal takes 64\.0 KiB at most/);
});

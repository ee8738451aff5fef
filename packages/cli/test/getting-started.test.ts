import { execFileSync } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { loadConfig, type StoreOptions } from "@bitstore/config";
import { parseServerConfig } from "@bitstore/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "./support/digests.ts";
import { openPlace, type Place } from "./support/run-bitstore.ts";

/** Shows `init` and `completion`: what they write is loaded by the program, and by the shells. */
describe("getting started", () => {
  let place: Place;
  beforeAll(async () => {
    place = await openPlace();
    await writeFile(place.path("a.txt"), "hello\n");
  });
  afterAll(async () => place[Symbol.asyncDispose]());

  it("writes a config that changes nothing, and never overwrites one", async () => {
    await place.run(["put", "a.txt"]);
    expect(await place.run(["init"])).toMatchObject({
      status: 0,
      stdout: "wrote bitstore.yaml\n",
      stderr: "",
    });
    const ls = await place.run(["ls"]);
    expect(ls).toMatchObject({ status: 0, stdout: `${sha256("hello\n")}  6\n`, stderr: "" });
    await writeFile(place.path("bitstore.yaml"), "mine\n");
    const again = await place.run(["init"]);
    expect(again).toMatchObject({ status: 5, stdout: "" });
    expect(again.stderr).toMatch(/^bitstore: init bitstore\.yaml: it is there already.*\nhint: /);
    expect(await readFile(place.path("bitstore.yaml"), "utf8")).toBe("mine\n");
    const other = await place.run(["init", "--config", "other.yaml", "--json"]);
    expect(other.records).toEqual([{ file: place.path("other.yaml") }]);
    expect((await place.run(["init", "--config", "no/such/x.yaml"])).status).toBe(2);
  });

  it("explains settings by examples that hold", async () => {
    await writeFile(place.path("all.yaml"), await everyExample());
    // No store of the examples is there to be asked, but for the caches on this machine.
    const env = { DATA_SECRET: "x", PAID_API_KEY: "x", REMOTE_TOKEN: "x" };
    const words = ["cache", "stats", "--config", "all.yaml", "--json"];
    const stats = await place.run(words, { env });
    expect(stats.stderr).toMatch(/memory .* ends with each process/);
    expect(stats.records).toMatchObject([{ tier: "disk", bytesMax: 50 * 2 ** 30 }]);
    expect(stats.status).toBe(0);
  });

  it("explains every setting that there is", async () => {
    const text = await everyExample();
    await writeFile(place.path("all.yaml"), text);
    const { server } = await loadConfig({ cwd: place.folder, env: {}, file: "all.yaml" });
    const isSaid = (name: string): boolean => new RegExp(`[{,]\\s*${name}: `).test(text);
    expect([...tierSettings, ...journalSettings].filter((name) => !isSaid(name))).toEqual([]);
    // What of the server there is, docs/access.md lists.
    const table = await readFile(new URL("../../../docs/access.md", import.meta.url), "utf8");
    const rows = [...table.matchAll(/^\| `([\w.[\]]+)` \|/gm)].map(([, name = ""]) => name);
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter((name) => !has(server, name))).toEqual([]);
    expect(parseServerConfig(server)).toMatchObject({ host: "127.0.0.1", port: 7070 });
  });

  /** What `init` writes, with all that is commented out for its prose alone still so. */
  async function everyExample(): Promise<string> {
    await rm(place.path("template.yaml"), { force: true });
    await place.run(["init", "--config", "template.yaml"]);
    const text = await readFile(place.path("template.yaml"), "utf8");
    const [tiers = "", server = ""] = text.split(/^(?=# server:$)/m);
    const examples = /^( *)# (?=- \{| {4,}\S|ack:|journal:)/gm;
    return tiers.replace(examples, "$1") + server.replace(/^# ?/gm, "");
  }

  it.each(["bash", "zsh", "fish"])(
    "prints a completion script for %s that parses",
    async (shell) => {
      const { status, stdout, stderr } = await place.run(["completion", shell]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      await writeFile(place.path(`script.${shell}`), stdout);
      for (const word of ["--algorithm", "sha3-256", "prune", "--older-than", "verify"]) {
        expect(stdout).toContain(shell === "fish" ? word.replace(/^--/, "") : word);
      }
      if (hasShell(shell)) execFileSync(shell, ["-n", place.path(`script.${shell}`)]);
    },
  );

  it.each([
    ["bitstore p", ["put"]],
    ["bitstore cache ", ["stats", "prune"]],
    ["bitstore --tier ./x --json ca", ["cache"]],
    ["bitstore put --algorithm sha5", ["sha512"]],
    ["bitstore get --ra", ["--raw", "--range"]],
    ["bitstore cache prune --older", ["--older-than"]],
    ["bitstore ls --verb", ["--verbose"]],
    ["bitstore put get --algo", ["--algorithm"]],
    ["bitstore completion z", ["zsh"]],
    ["bitstore put fil", []],
  ])("completes %j in bash", async (line, expected) => {
    const { stdout } = await place.run(["completion", "bash"]);
    const words = line.split(" ");
    const script = `${stdout}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})
COMP_CWORD=${words.length - 1}
_bitstore
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const completed = execFileSync("bash", ["-c", script], { encoding: "utf8" });
    expect(completed.split("\n").filter((word) => word !== "")).toEqual(expected);
  });

  it("refuses a shell that it does not know, and JSON", async () => {
    expect((await place.run(["completion", "tcsh"])).status).toBe(2);
    expect((await place.run(["completion", "bash", "--json"])).status).toBe(2);
  });
});

/** What may be said of a tier; the type checker sees to it that none is missing here. */
const optionNames: Readonly<Record<keyof StoreOptions, true>> = {
  layout: true,
  algorithm: true,
  endpoint: true,
  region: true,
  pathStyle: true,
  anonymous: true,
  profile: true,
  account: true,
  partBytes: true,
  storageClass: true,
  requesterPays: true,
  userProject: true,
  serverSideEncryption: true,
  sseKmsKeyId: true,
  kmsKeyName: true,
  encryptionScope: true,
  head: true,
  rangeRead: true,
  put: true,
  headers: true,
  timeoutMs: true,
  concurrencyMax: true,
  requestsPerSecondMax: true,
  name: true,
  role: true,
  origin: true,
  readOnly: true,
  heal: true,
  hedge: true,
  price: true,
  fill: true,
  onFailure: true,
  forbiddenMeans: true,
  canary: true,
  negativeTtlMs: true,
  bytesMax: true,
};
const tierSettings: readonly string[] = ["url", "credentials", ...Object.keys(optionNames)];
const journalSettings: readonly string[] = ["directory", "entryBytesMax"];

/** Tells whether a value has a path, as docs/access.md writes it: `auth.tokens[]`. */
function has(value: unknown, path: string): boolean {
  const steps = path.replace("[]", ".0").split(".");
  let inner = value;
  for (const step of steps) {
    if (typeof inner !== "object" || inner === null || !(step in inner)) return false;
    inner = Reflect.get(inner, step);
  }
  return true;
}

function hasShell(name: string): boolean {
  try {
    execFileSync(name, ["-c", "exit 0"]);
    return true;
  } catch {
    return false;
  }
}

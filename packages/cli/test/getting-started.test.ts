import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
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
    await place.run(["init", "--config", "all.yaml"]);
    const text = await readFile(place.path("all.yaml"), "utf8");
    const examples = /^( *)# (?=- \{|\s+pathStyle|\s+timeoutMs|\s+limits|server:|ack:|journal:)/gm;
    const all = text.replace(examples, "$1");
    expect(all.match(/^ *- \{/gm)).toHaveLength(10);
    await writeFile(place.path("all.yaml"), all);
    // No store of the examples is there to be asked, but for the caches on this machine.
    const stats = await place.run(["cache", "stats", "--config", "all.yaml", "--json"]);
    expect(stats.stderr).toMatch(/memory .* ends with each process/);
    expect(stats.records).toMatchObject([{ tier: "disk", bytesMax: 50 * 2 ** 30 }]);
    expect(stats.status).toBe(0);
  });

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

function hasShell(name: string): boolean {
  try {
    execFileSync(name, ["-c", "exit 0"]);
    return true;
  } catch {
    return false;
  }
}

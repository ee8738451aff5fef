import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
/** The Node of this run comes first, so that the installed command runs on it. */
const env = {
  ...process.env,
  PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
};

/**
 * Every package is packed as it would be published and installed into an empty folder, beside
 * nothing of this workspace: what runs there runs for whoever installs it.
 */
describe("the packages, installed elsewhere", () => {
  let folder = "";
  let names: string[] = [];
  let version = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "bitstore-pack-"));
    await run("npm", ["run", "build"], { cwd: root, env });
    await run("npm", ["pack", "--workspaces", "--pack-destination", folder], { cwd: root, env });
    const tarballs = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
    names = await Promise.all(
      (await readdir(join(root, "packages"))).map(async (each) => {
        const text = await readFile(join(root, "packages", each, "package.json"), "utf8");
        const manifest = JSON.parse(text) as { name: string; version: string };
        version = manifest.version;
        return manifest.name;
      }),
    );
    expect(tarballs).toHaveLength(names.length);
    // What the packages want of each other is what was packed, whatever a registry has by the name.
    const packed = Object.fromEntries(
      names.map((name) => [name, `file:./${name.slice(1).replace("/", "-")}-${version}.tgz`]),
    );
    const manifest = { private: true, type: "module", dependencies: packed, overrides: packed };
    await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
    await run("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder, env });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("hold no tests and no sources, but types", async () => {
    for (const name of names) {
      const files = await readdir(join(folder, "node_modules", name), { recursive: true });
      expect(files).toContain(join("dist", "index.d.ts"));
      expect(files.filter((file) => /(^|\/)(src|test)\//.test(file))).toEqual([]);
      expect(files).toContain("README.md");
    }
  });

  // The suites need vitest, which their user brings.
  test("can be imported", async () => {
    const importable = names.filter((name) => name !== "@bitstore/conformance");
    const script = importable.map((name) => `await import(${JSON.stringify(name)});`).join("\n");
    await writeFile(join(folder, "import.mjs"), `${script}\nconsole.log("imported");`);
    const { stdout } = await run(process.execPath, ["import.mjs"], { cwd: folder, env });
    expect(stdout).toBe("imported\n");
  });

  test("give a command that stores and returns bytes", async () => {
    await writeFile(join(folder, "hello.txt"), "hello");
    const bitstore = (...args: string[]): Promise<{ stdout: string }> =>
      run("npx", ["bitstore", ...args], { cwd: folder, env });
    const { stdout } = await bitstore("put", "hello.txt");
    expect(stdout).toBe(
      "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  hello.txt\n",
    );
    expect((await bitstore("get", stdout.split(" ")[0] ?? "")).stdout).toBe("hello");
  });
});

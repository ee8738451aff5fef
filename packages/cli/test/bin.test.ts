import { spawnSync } from "node:child_process";
import { cp, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const bin = fileURLToPath(new URL("../bin/bitstore.js", import.meta.url));

/** Shows what the committed script says where it can't start, without a build. */
describe("bin/bitstore.js", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "bitstore-bin-"));
    await cp(bin, join(folder, "bin", "bitstore.mjs"));
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));
  const run = (...flags: string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [...flags, join(folder, "bin", "bitstore.mjs"), "--version"], {
      encoding: "utf8",
    });

  it("is executable", async () => {
    expect((await stat(bin)).mode & 0o111).toBe(0o111);
  });

  it("says so where nothing is built", () => {
    expect(run()).toMatchObject({
      status: 1,
      stdout: "",
      stderr: "bitstore: it is not built yet\nhint: npm run build\n",
    });
  });

  it.each(["18.20.0", "20.11.1", "22.18.9"])("says so on Node %s", (version) => {
    const versions = `{...process.versions,node:${JSON.stringify(version)}}`;
    const code = `Object.defineProperty(process,"versions",{value:${versions}})`;
    const ended = run("--import", `data:text/javascript,${encodeURIComponent(code)}`);
    expect(ended).toMatchObject({ status: 1, stdout: "" });
    expect(ended.stderr).toMatch(/^bitstore: it needs Node 22\.19 or newer, this is .*\nhint: /);
    expect(ended.stderr).toContain(version);
  });
});

import { execFile } from "node:child_process";
import { access, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { mintToken } from "@bitstore/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBitstoreServer } from "../acceptance/bitstore-server.ts";
import { findOnPath } from "../services/find-on-path.ts";

// What `deploy/` names exists: flags, settings, routes, files. Nothing here can start a container or a
// service manager, so the words that they would run are run by themselves.

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const read = (name: string): Promise<string> => readFile(join(root, "deploy", name), "utf8");
const systemdAnalyze = findOnPath("systemd-analyze", process.env["PATH"]);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bitstore-deploy-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("bitstore.service", () => {
  test.skipIf(systemdAnalyze === undefined)(
    "is one to systemd, and leaves little open",
    async () => {
      // The command is where it was installed, which is not here.
      const unit = (await read("bitstore.service")).replace("/usr/local/bin/bitstore", "/bin/true");
      const file = join(folder, "bitstore.service");
      await writeFile(file, unit);
      const { stderr } = await run(systemdAnalyze ?? "", ["verify", file]);
      expect(stderr).not.toContain("bitstore.service");
      await run(systemdAnalyze ?? "", ["security", "--offline=yes", "--threshold=20", file]);
    },
  );

  test("starts what the command has, and gives it the time that it takes to end", async () => {
    const unit = await read("bitstore.service");
    const value = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1] ?? "";
    expect(value("ExecStart")).toBe(
      "/usr/local/bin/bitstore --config /etc/bitstore/bitstore.yaml serve",
    );
    expect(value("ExecReload")).toContain("kill -HUP $MAINPID");
    const drains = Number(/drainSeconds: (\d+)/.exec(await read("bitstore.yaml"))?.[1]);
    expect(Number(value("TimeoutStopSec"))).toBeGreaterThan(drains);
    for (const [at, name] of [
      ["/var/lib", "StateDirectory"],
      ["/var/cache", "CacheDirectory"],
    ]) {
      expect(await read("bitstore.yaml")).toContain(`"${at}/${value(name ?? "")}`);
    }
  });
});

test("bitstore.yaml serves what the README says of it", { timeout: 120_000 }, async () => {
  const { token, hash } = mintToken();
  const text = (await read("bitstore.yaml"))
    .replaceAll("/var/lib/bitstore", join(folder, "lib"))
    .replaceAll("/var/cache/bitstore", join(folder, "cache"))
    .replace(/sha256:0{64}/, hash);
  await using server = await startBitstoreServer({
    folder,
    config: text,
    env: { BITSTORE_SECRET: "0123456789abcdef".repeat(4) },
  });
  const authorization = `Bearer ${token}`;
  const status = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
    (await fetch(`${server.url}${path}`, { headers })).status;
  expect(await status("/livez")).toBe(200);
  expect(await status("/readyz")).toBe(200);
  expect([await status("/metrics"), await status("/metrics", { authorization })]).toEqual([
    401, 200,
  ]);
  expect([await status("/v1/blobs"), await status("/v1/blobs", { authorization })]).toEqual([
    401, 200,
  ]);

  // What the image asks to see whether it is well, on the port of this server.
  const check = /HEALTHCHECK[^[]*(\[.*\])/s.exec(await read("Dockerfile"))?.[1]?.split("\n")[0];
  const [program, ...words] = JSON.parse(check ?? "[]") as string[];
  expect(program).toBe("node");
  const here = words.map((word) => word.replace("http://127.0.0.1:7070", server.url));
  expect(here.join(" ")).toContain(server.url);
  await run(process.execPath, here);
  const ended = await server.end();
  expect(ended).toEqual({ status: 0, signal: null });
  await expect(run(process.execPath, here)).rejects.toMatchObject({ code: 1 });
});

test("the Dockerfile copies what is there, and runs it with options that it has", async () => {
  const lines = await read("Dockerfile");
  for (const path of ["packages/cli/bin/bitstore.js", "package.json", "package-lock.json"]) {
    await access(join(root, path));
  }
  expect(lines).toContain("/opt/bitstore/packages/cli/bin/bitstore.js");
  const words = JSON.parse(/^CMD (\[.*\])$/m.exec(lines)?.[1] ?? "[]") as string[];
  const main = join(root, "packages", "cli", "src", "main.ts");
  const start = ["--conditions=@bitstore/source", main];
  const { stdout } = await run(process.execPath, [...start, ...words, "--help"]);
  expect(stdout).toContain("bitstore serve");
  for (const option of words.filter((word) => word.startsWith("--") && word !== "--config")) {
    expect(stdout).toContain(option);
  }
});

import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Unavailable } from "./first-success.ts";
import { findOnPath } from "./find-on-path.ts";
import type { InstallContext } from "./install-context.ts";
import type { Command } from "./launch-service.ts";
import type { NpmInstall, Program } from "./recipe.ts";
import { runTool } from "./run-tool.ts";
import { withLock } from "./with-lock.ts";

const installMsMax = 10 * 60_000;

/** Resolves to the command of an earlier install of exactly this lockfile. */
export async function cachedPackage(
  install: NpmInstall,
  cache: string,
): Promise<Command | Unavailable> {
  const script = join(await installFolder(install, cache), "node_modules", install.script);
  if (!existsSync(script)) return { unavailable: "not installed for the present lockfile" };
  return [process.execPath, script];
}

/**
 * Installs a locked folder with `npm ci`, as a copy in the cache folder: checkouts share it,
 * and the tools that look over a checkout do not find it there. `npm ci` empties what it
 * installs into, so it runs in a folder of its own, renamed when it is complete.
 */
export async function npmInstall(
  program: Program,
  install: NpmInstall,
  context: InstallContext,
): Promise<Command | Unavailable> {
  const npm = findOnPath("npm", context.environment["PATH"]);
  if (npm === undefined) return { unavailable: "no npm on PATH" };
  await mkdir(context.cache, { recursive: true });
  const folder = await installFolder(install, context.cache);
  const waiting = (): void =>
    context.progress(`waiting for another run that installs ${program.title}`);
  return await withLock(`${folder}.lock`, waiting, async () => {
    const installed = await cachedPackage(install, context.cache);
    if (!("unavailable" in installed)) return installed;
    context.progress(`installing ${program.title} with npm ci, ${install.duration}, once`);
    const scratch = await mkdtemp(`${folder}.install-`);
    context.reaper.add({ kind: "folder", path: scratch });
    try {
      const locked = fileURLToPath(install.lockedFolder);
      await copyFile(join(locked, "package.json"), join(scratch, "package.json"));
      await copyFile(join(locked, "package-lock.json"), join(scratch, "package-lock.json"));
      await runNpmCi(npm, scratch, context);
      await rm(folder, { recursive: true, force: true });
      await rename(scratch, folder);
    } finally {
      await rm(scratch, { recursive: true, force: true });
      context.reaper.remove({ kind: "folder", path: scratch });
    }
    return await cachedPackage(install, context.cache);
  });
}

async function runNpmCi(npm: string, folder: string, { reaper }: InstallContext): Promise<void> {
  // Azurite needs no install scripts, so none are run.
  const argv = [npm, "ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"];
  await runTool([npm, ...argv.slice(1)], reaper, installMsMax, {
    // Inside an npm script these point at the outer project, and outrank the folder.
    environment: { npm_config_local_prefix: folder, INIT_CWD: folder },
    workingDirectory: folder,
  });
}

async function installFolder({ lockedFolder, script }: NpmInstall, cache: string): Promise<string> {
  const lock = await readFile(new URL("package-lock.json", lockedFolder));
  const digest = createHash("sha256").update(lock).digest("hex").slice(0, 12);
  return join(cache, `${script.split("/")[0] ?? "package"}-${digest}`);
}

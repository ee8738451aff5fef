import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findOnPath, isExecutable } from "./find-on-path.ts";
import type { InstallContext } from "./install-context.ts";
import type { Command } from "./launch-service.ts";
import type { GoInstall, Program } from "./recipe.ts";
import type { Unavailable } from "./first-success.ts";
import { runTool } from "./run-tool.ts";
import { withLock } from "./with-lock.ts";

const buildMsMax = 20 * 60_000;

/**
 * Resolves to the binary in the cache folder if it is the pinned version. One that was put
 * there by hand has no note of its version beside it, and is trusted.
 */
export async function cachedBinary(
  program: Program,
  install: GoInstall,
  cache: string,
): Promise<Command | Unavailable> {
  const binary = join(cache, "bin", program.binary);
  if (!isExecutable(binary)) return { unavailable: `no ${program.binary} there` };
  const version = await readFile(`${binary}.version`, "utf8").catch(() => install.version);
  if (version.trim() === install.version) return [binary];
  return { unavailable: `it has ${version.trim()}, and ${install.version} is wanted` };
}

/**
 * Builds the pinned version into the cache folder, once a machine. The build happens in a
 * folder beside it and is renamed into place, so nobody ever sees half a binary.
 */
export async function goInstall(
  program: Program,
  install: GoInstall,
  context: InstallContext,
): Promise<Command | Unavailable> {
  const go = findOnPath("go", context.environment["PATH"]);
  if (go === undefined) return { unavailable: "no go on PATH" };
  const folder = join(context.cache, "bin");
  await mkdir(folder, { recursive: true });
  const waiting = (): void =>
    context.progress(`waiting for another run that builds ${program.title}`);
  return await withLock(join(folder, `${program.binary}.lock`), waiting, async () => {
    const built = await cachedBinary(program, install, context.cache);
    if (!("unavailable" in built)) return built;
    context.progress(`building ${program.title} with go install, ${install.duration}, once`);
    const scratch = await mkdtemp(join(folder, `${program.binary}.build-`));
    context.reaper.add({ kind: "folder", path: scratch });
    try {
      await build(go, install, scratch, context);
      const binary = join(folder, program.binary);
      await rename(join(scratch, install.goName ?? program.binary), binary);
      await writeFile(`${binary}.version`, `${install.version}\n`);
      return [binary];
    } finally {
      await rm(scratch, { recursive: true, force: true });
      context.reaper.remove({ kind: "folder", path: scratch });
    }
  });
}

async function build(
  go: string,
  { module, version }: GoInstall,
  scratch: string,
  { reaper }: InstallContext,
): Promise<void> {
  await runTool([go, "install", `${module}@${version}`], reaper, buildMsMax, {
    // Without cgo a C compiler is not needed, and the result is the same everywhere. An
    // interrupted build leaves its temporary files behind, so they go where we tidy up.
    environment: { GOBIN: scratch, GOTMPDIR: scratch, CGO_ENABLED: "0" },
    // Outside any module, so that no go.mod or go.work of the caller's has a say.
    workingDirectory: scratch,
  });
}

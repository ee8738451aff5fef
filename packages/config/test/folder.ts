import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isStoreError } from "@bitstore/core";
import { onTestFinished } from "vitest";
import { configProblems, formatProblem } from "../src/file/problems.ts";
import { loadConfig, type LoadConfigOptions } from "../src/load-config.ts";

/** Makes a folder with files, that is removed at the end of the test. */
export async function folderWith(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "bitstore-config-")));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

/** Loads, expecting a refusal; returns its code and each mistake in it, as it is printed. */
export async function mistakes(
  cwd: string,
  options: Partial<LoadConfigOptions> = {},
): Promise<{ readonly code: string; readonly lines: readonly string[]; readonly message: string }> {
  try {
    await loadConfig({ cwd, env: {}, ...options });
  } catch (error) {
    if (!isStoreError(error)) throw error;
    const lines = configProblems(error).map(formatProblem);
    return { code: error.code, lines, message: error.message };
  }
  throw new Error("the config was taken");
}

/** Loads a bitstore.yaml that is named, so that it is trusted; returns its mistakes. */
export async function yamlMistakes(
  text: string,
  env: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const cwd = await folderWith({ "bitstore.yaml": text });
  const { code, lines } = await mistakes(cwd, { env, file: "bitstore.yaml" });
  if (code !== "CONFIG_INVALID") throw new Error(`the code is ${code}`);
  return lines;
}

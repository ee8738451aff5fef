import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { StoreError } from "@bitstore/core";
import type { Environment } from "./file/expand.ts";
import { escapeControls } from "./show-text.ts";

/** A config file, and how it came to be read: by name, or because it lay there. */
export interface FoundConfig {
  /** Absolute. */
  readonly file: string;
  readonly named: "option" | "environment" | "found";
}

const fileNames: readonly string[] = ["bitstore.yaml", "bitstore.yml", "bitstore.json"];

/**
 * Looks for the config: the file that was asked for, else the one that `BITSTORE_CONFIG` names, else
 * `bitstore.yaml`, `.yml` or `.json` in the working directory, the first of them. No folder above it
 * is looked into. Resolves to undefined where there is none.
 *
 * @throws CONFIG_INVALID for a named file that is not there.
 */
export async function findConfig(
  cwd: string,
  environment: Environment,
  file: string | undefined,
): Promise<FoundConfig | undefined> {
  if (file !== undefined) return { file: await named(cwd, file, "--config"), named: "option" };
  const variable = environment["BITSTORE_CONFIG"];
  if (variable !== undefined && variable !== "") {
    return { file: await named(cwd, variable, "BITSTORE_CONFIG"), named: "environment" };
  }
  for (const name of fileNames) {
    const path = join(cwd, name);
    if (await exists(path)) return { file: path, named: "found" };
  }
  return undefined;
}

async function named(cwd: string, file: string, by: string): Promise<string> {
  const path = resolve(cwd, file);
  if (file !== "" && !file.includes("\0") && (await exists(path))) return path;
  throw new StoreError({
    code: "CONFIG_INVALID",
    operation: "configure",
    subject: by,
    message: `there is no file ${escapeControls(file === "" ? '""' : path)}; bitstore init writes one`,
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    // A file that is there but closed to us is found, so that reading it says why it can't be read.
    return error instanceof Error && "code" in error && error.code === "EACCES";
  }
}

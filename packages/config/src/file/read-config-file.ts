import { open } from "node:fs/promises";
import { basename, extname, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { FoundConfig } from "../find-config.ts";
import type { Parsed } from "../result.ts";
import { ok, wrong } from "../result.ts";
import type { Environment } from "./expand.ts";
import type { Report } from "./problems.ts";
import type { ReadTree } from "./tree.ts";
import { readValueTree } from "./value-tree.ts";
import { readYamlTree } from "./yaml-tree.ts";

/** A config of a thousand tiers has a quarter of this. */
const configBytesMax: number = 256 * 1024;

const moduleExtensions: ReadonlySet<string> = new Set([".ts", ".mts", ".js", ".mjs"]);
const dataExtensions: ReadonlySet<string> = new Set([".yaml", ".yml", ".json"]);

/** Names a file in reports: relative to the working directory where it lies in it. */
export function shownFile(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path === "" || path.startsWith(`..${sep}`) || path === ".." ? file : path;
}

/**
 * Reads a config file into plain data. YAML and JSON are read as text; a module runs, so it must
 * have been named by `--config`. A file that can't be read is reported, and nothing returned.
 */
export async function readConfigFile(
  { file, named }: FoundConfig,
  shown: string,
  environment: Environment,
  report: Report,
): Promise<ReadTree | undefined> {
  const extension = extname(file).toLowerCase();
  if (moduleExtensions.has(extension)) {
    if (named === "option") return await readModule(file, shown, environment, report);
    report({ file: shown, key: "", message: "a module runs code; name it with --config" });
    return undefined;
  }
  if (!dataExtensions.has(extension)) {
    const message = `${basename(file)} is no config; its name ends in .yaml, .yml, .json or .ts`;
    report({ file: shown, key: "", message });
    return undefined;
  }
  const text = await readText(file);
  if ("value" in text) return readYamlTree(text.value, environment);
  report({ file: shown, key: "", message: text.problem });
  return undefined;
}

async function readText(file: string): Promise<Parsed<string>> {
  try {
    await using handle = await open(file, "r");
    // A pipe or device has no size to go by, so no more than the limit is ever read.
    const buffer = new Uint8Array(configBytesMax + 1);
    let size = 0;
    while (size < buffer.byteLength) {
      const { bytesRead } = await handle.read(buffer, size, buffer.byteLength - size, null);
      if (bytesRead === 0) break;
      size += bytesRead;
    }
    if (size > configBytesMax) return wrong(`is longer than ${configBytesMax} bytes`);
    return ok(new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, size)));
  } catch (error) {
    if (error instanceof TypeError) return wrong("is no UTF-8 text");
    return wrong(`can't be read: ${codeOf(error)}`);
  }
}

async function readModule(
  file: string,
  shown: string,
  environment: Environment,
  report: Report,
): Promise<ReadTree | undefined> {
  try {
    const module: unknown = await import(pathToFileURL(file).href);
    if (typeof module === "object" && module !== null && "default" in module) {
      return readValueTree(module.default, environment);
    }
    report({
      file: shown,
      key: "",
      message: "has no default export; export default defineConfig({ … })",
    });
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    report({ file: shown, key: "", message: `could not be run: ${what.slice(0, 500)}` });
  }
  return undefined;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}

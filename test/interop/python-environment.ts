import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../services/cache-folder.ts";
import { findOnPath } from "../services/find-on-path.ts";
import { withLock } from "../services/with-lock.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A Python with what the requirements name, or why there is none. */
export type PythonEnvironment =
  | { readonly python: string }
  | { readonly python: undefined; readonly reason: string };

/** The first installation downloads some forty megabytes. */
const installMsMax = 280_000;

/**
 * Makes a virtual environment for a file of requirements, once: it is kept in the user's cache
 * folder under a name made of the requirements and of the Python, so that a change of either makes
 * another. Where it can't be had it says why, aloud, and throws if `BITSTORE_TEST_REQUIRE` names
 * `python`.
 */
export async function pythonEnvironment(
  requirements: string,
  environment: Environment,
): Promise<PythonEnvironment> {
  try {
    return { python: await installed(requirements, environment) };
  } catch (error) {
    const reason = firstLines(error);
    if (isRequired(environment)) {
      throw new Error(`BITSTORE_TEST_REQUIRE names python, which could not be had: ${reason}`, {
        cause: error,
      });
    }
    process.stderr.write(`tests with Python are skipped: ${reason}\n`);
    return { python: undefined, reason };
  }
}

async function installed(requirements: string, environment: Environment): Promise<string> {
  const system = findOnPath("python3", environment["PATH"]);
  if (system === undefined) throw new Error("there is no python3 on PATH");
  const version = await run(system, ["-c", "import sys; print(sys.version, sys.prefix)"], 30_000);
  const wanted = await readFile(requirements);
  const hash = createHash("sha256").update(wanted).update(version).digest("hex").slice(0, 16);
  const folder = join(cacheFolder(environment), `venv-${hash}`);
  const python = join(folder, "bin", "python");
  // Written last, so that an installation that was killed is not taken for a whole one.
  const complete = join(folder, "complete");
  if (await exists(complete)) return python;
  await mkdir(dirname(folder), { recursive: true });
  const onWait = (): void =>
    void process.stderr.write(`waiting for another run to make ${folder}\n`);
  await withLock(`${folder}.lock`, onWait, async () => {
    if (await exists(complete)) return;
    await rm(folder, { recursive: true, force: true });
    await run(system, ["-m", "venv", folder], 60_000);
    const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    await run(python, [...install, "--requirement", requirements], installMsMax);
    await writeFile(complete, version);
  });
  return python;
}

async function run(
  command: string,
  commandArguments: readonly string[],
  timeMsMax: number,
): Promise<string> {
  const options = { timeout: timeMsMax, maxBuffer: 16 * 2 ** 20 };
  const { stdout } = await promisify(execFile)(command, [...commandArguments], options);
  return stdout;
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

function isRequired(environment: Environment): boolean {
  const required = environment["BITSTORE_TEST_REQUIRE"] ?? "";
  return required.split(",").some((name) => name.trim() === "python");
}

function firstLines(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n").slice(0, 6).join("\n  ");
}

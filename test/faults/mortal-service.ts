import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheFolder } from "../services/cache-folder.ts";
import { findOnPath } from "../services/find-on-path.ts";
import { findFreePort } from "../services/free-port.ts";
import { cachedBinary, goInstall } from "../services/go-install.ts";
import { type InstallContext, makeSerializer } from "../services/install-context.ts";
import type { Command } from "../services/launch-service.ts";
import { cachedPackage, npmInstall } from "../services/npm-install.ts";
import { waitUntilReady } from "../services/probe.ts";
import { type Reaper, startReaper } from "../services/reaper.ts";
import type { Program, Recipe } from "../services/recipe.ts";

const readyMsMax = 60_000;

/** An instance of a service that a test may kill: nobody else uses it. */
export interface MortalService<Endpoint extends object> extends AsyncDisposable {
  readonly endpoint: Endpoint;
  /** Ends it as the system does, in the middle of whatever it does. */
  kill(): Promise<void>;
  /** Starts it again on its port, with what its directory has kept. */
  revive(): Promise<void>;
}

/** Where the programs are found, and who cleans up if this process can't. */
export interface Cradle extends AsyncDisposable {
  /** Starts an instance; undefined where the program can't be had on this machine. */
  start<Endpoint extends object>(
    recipe: Recipe<Endpoint>,
  ): Promise<MortalService<Endpoint> | undefined>;
}

/** Makes the place that instances are started from. */
export function openCradle(environment: Readonly<Record<string, string | undefined>>): Cradle {
  const reaper = startReaper();
  const context: InstallContext = {
    environment,
    cache: cacheFolder(environment),
    reaper,
    progress: (line) => void process.stderr.write(`${line}\n`),
    serially: makeSerializer(),
  };
  return {
    async start(recipe) {
      const command = await locate(recipe, context);
      return command === undefined ? undefined : await startMortal(recipe, command, reaper);
    },
    [Symbol.asyncDispose]: () => reaper.close(),
  };
}

async function locate(program: Program, context: InstallContext): Promise<Command | undefined> {
  const { binary, install } = program;
  const file = findOnPath(binary, context.environment["PATH"]);
  if (file !== undefined) {
    return install.kind === "npm" ? [process.execPath, await realpath(file)] : [file];
  }
  const ways =
    install.kind === "go"
      ? [
          () => cachedBinary(program, install, context.cache),
          () => goInstall(program, install, context),
        ]
      : [() => cachedPackage(install, context.cache), () => npmInstall(program, install, context)];
  for (const way of ways) {
    const found = await way();
    if (!("unavailable" in found)) return found;
  }
  return undefined;
}

async function startMortal<Endpoint extends object>(
  recipe: Recipe<Endpoint>,
  [command, ...commandArguments]: Command,
  reaper: Reaper,
): Promise<MortalService<Endpoint>> {
  const directory = await mkdtemp(join(tmpdir(), `bitstore-mortal-${recipe.service}-`));
  reaper.add({ kind: "folder", path: directory });
  const port = await findFreePort();
  const endpoint = recipe.endpointAt(port);
  let extendedAttributes = true;
  let launch = launchOf(true);
  let child: ChildProcess | undefined;
  let said = "";

  function launchOf(attributes: boolean): ReturnType<Recipe<Endpoint>["launch"]> {
    return recipe.launch({ port, directory, extendedAttributes: attributes });
  }
  async function start(): Promise<string | undefined> {
    const started = spawn(command, [...commandArguments, ...durable(launch.arguments, directory)], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...launch.environment },
      cwd: directory,
    });
    child = started;
    said = "";
    const keep = (text: string): void => {
      said = `${said}${text}`.slice(-2000);
    };
    started.stdout.setEncoding("utf8").on("data", keep);
    started.stderr.setEncoding("utf8").on("data", keep);
    if (started.pid !== undefined) reaper.add({ kind: "group", pid: started.pid });
    return await waitUntilReady({
      url: recipe.probeUrl(endpoint),
      isReady: recipe.isReady,
      waitMsMax: readyMsMax,
      hopeless: () => (started.exitCode === null ? undefined : `exited with ${started.exitCode}`),
    });
  }
  async function kill(): Promise<void> {
    const { pid } = child ?? {};
    if (child === undefined || pid === undefined) return;
    const exited = once(child, "exit");
    if (child.exitCode === null && child.signalCode === null) {
      process.kill(-pid, "SIGKILL");
      await exited;
    }
    reaper.remove({ kind: "group", pid });
    child = undefined;
  }

  let failure = await start();
  if (failure !== undefined && /xattr check failed/i.test(said)) {
    await kill();
    extendedAttributes = false;
    launch = launchOf(extendedAttributes);
    failure = await start();
  }
  if (failure !== undefined) {
    await kill();
    throw new Error(`${recipe.title} ${failure}\n${said}`);
  }
  return {
    endpoint,
    kill,
    async revive() {
      const trouble = await start();
      if (trouble !== undefined) throw new Error(`${recipe.title} again: ${trouble}\n${said}`);
    },
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
      reaper.remove({ kind: "folder", path: directory });
    },
  };
}

/** Lets a service that would keep its objects in memory keep them on the disk. */
function durable(given: readonly string[], directory: string): readonly string[] {
  const at = given.indexOf("-backend");
  if (at < 0) return given;
  const backend = ["-backend", "filesystem", "-filesystem-root", join(directory, "objects")];
  return [...given.slice(0, at), ...backend, ...given.slice(at + 2)];
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startChild } from "./child.ts";
import { findFreePort } from "./free-port.ts";
import { waitUntilReady } from "./probe.ts";
import type { Leftover, Reaper } from "./reaper.ts";
import type { Recipe } from "./recipe.ts";

/** A minute, for a machine that does other things too: one second is usual. */
const waitMsMax = 60_000;
const launchesMax = 4;

/** The command that runs a service, without the service's own arguments. */
export type Command = readonly [command: string, ...commandArguments: string[]];

/** A service that answers. */
export interface Running<Endpoint extends object> {
  readonly endpoint: Endpoint;
  readonly stop: () => Promise<void>;
}

/**
 * Starts one instance of a service on a free port of the loopback, its data in a fresh
 * folder, and resolves when it can be used. Rejects with the last lines it wrote when it
 * can't. A port lost to somebody else and a file system without extended attributes are each
 * answered by another launch.
 */
export async function launchService<Endpoint extends object>(
  recipe: Recipe<Endpoint>,
  command: Command,
  reaper: Reaper,
): Promise<Running<Endpoint>> {
  let extendedAttributes = true;
  for (let launches = 1; ; launches += 1) {
    const result = await launchOnce(recipe, command, reaper, extendedAttributes);
    if (!("failure" in result)) return result;
    if (/xattr check failed/i.test(result.failure)) extendedAttributes = false;
    else if (!/address already in use|EADDRINUSE/i.test(result.failure)) launches = launchesMax;
    if (launches >= launchesMax) throw new Error(result.failure);
  }
}

async function launchOnce<Endpoint extends object>(
  recipe: Recipe<Endpoint>,
  [command, ...commandArguments]: Command,
  reaper: Reaper,
  extendedAttributes: boolean,
): Promise<Running<Endpoint> | { readonly failure: string }> {
  const directory = await mkdtemp(join(tmpdir(), `bitstore-${recipe.service}-`));
  const folder: Leftover = { kind: "folder", path: directory };
  reaper.add(folder);
  const port = await findFreePort();
  const launch = recipe.launch({ port, directory, extendedAttributes });
  const child = startChild(command, [...commandArguments, ...launch.arguments], reaper, {
    environment: launch.environment,
    workingDirectory: directory,
  });
  const stop = async (): Promise<void> => {
    await child.stop();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    reaper.remove(folder);
  };
  const endpoint = recipe.endpointAt(port);
  const failure = await waitUntilReady({
    url: recipe.probeUrl(endpoint),
    isReady: recipe.isReady,
    waitMsMax,
    hopeless: child.ended,
  });
  if (failure === undefined) return { endpoint, stop };
  // The last lines may still be on their way through the pipe.
  await sleep(100);
  const output = child.output();
  await stop();
  return { failure: `${recipe.title} ${failure}${output === "" ? "" : `\n${output}`}` };
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { findFreePort } from "./free-port.ts";
import type { InstallContext } from "./install-context.ts";
import type { Running } from "./launch-service.ts";
import { waitUntilReady } from "./probe.ts";
import type { Leftover } from "./reaper.ts";
import type { Recipe } from "./recipe.ts";
import { runTool } from "./run-tool.ts";

const askMsMax = 5_000;
/** Long enough to pull the image. */
const upMsMax = 5 * 60_000;
const downMsMax = 60_000;
const readyMsMax = 60_000;

const composeFile = fileURLToPath(new URL("../../docker-compose.yml", import.meta.url));

/** Resolves to why `docker compose` can't be used, or to `undefined` where an engine answers. */
export async function composeUnavailable(): Promise<string | undefined> {
  if (!(await succeeds("docker", "info"))) return "no docker, or its engine does not answer";
  if (!(await succeeds("docker", "compose", "version"))) return "docker has no compose plugin";
  return undefined;
}

/**
 * Starts a service of `docker-compose.yml` on a free port, in a compose project of its own, so
 * that concurrent runs don't share a container. Stopping removes the project with its data.
 */
export async function composeUp<Endpoint extends object>(
  recipe: Recipe<Endpoint>,
  { reaper, progress }: InstallContext,
): Promise<Running<Endpoint>> {
  const port = await findFreePort();
  const project = `bitstore-test-${recipe.service}-${process.pid}-${port}`;
  const compose = ["docker", "compose", "-p", project, "-f", composeFile] as const;
  const down = [...compose, "down", "--volumes", "--timeout", "3"] as const;
  const leftover: Leftover = { kind: "command", argv: down };
  reaper.add(leftover);
  const stop = async (): Promise<void> => {
    await runTool(down, reaper, downMsMax);
    reaper.remove(leftover);
  };
  try {
    progress(`starting ${recipe.title} with docker compose`);
    await runTool([...compose, "up", "--detach", recipe.compose.name], reaper, upMsMax, {
      environment: { [recipe.compose.portVariable]: String(port) },
    });
    const endpoint = recipe.endpointAt(port);
    const failure = await waitUntilReady({
      url: recipe.probeUrl(endpoint),
      isReady: recipe.isReady,
      waitMsMax: readyMsMax,
    });
    if (failure !== undefined) throw new Error(`${recipe.title} in a container: ${failure}`);
    return { endpoint, stop };
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}

async function succeeds(command: string, ...commandArguments: string[]): Promise<boolean> {
  const child = spawn(command, commandArguments, { stdio: "ignore", timeout: askMsMax });
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    return code === 0;
  } catch {
    return false;
  }
}

import { realpath } from "node:fs/promises";
import { composeUp } from "./compose.ts";
import { findOnPath } from "./find-on-path.ts";
import type { Unavailable, Way } from "./first-success.ts";
import { cachedBinary, goInstall } from "./go-install.ts";
import type { InstallContext } from "./install-context.ts";
import { launchService, type Command, type Running } from "./launch-service.ts";
import { cachedPackage, npmInstall } from "./npm-install.ts";
import { waitUntilReady } from "./probe.ts";
import type { Program, Recipe } from "./recipe.ts";

const answerMsMax = 10_000;

/** What the ways need beyond what an install needs. */
export interface FinderContext extends InstallContext {
  /** Asked once a run: why docker compose is no way, or `undefined`. */
  readonly composeUnavailable: () => Promise<string | undefined>;
}

/**
 * Returns the ways to a service, in the order in which they are tried: what somebody named,
 * what costs nothing to start, and only then what has to be built. Nothing is done before a
 * way is attempted.
 */
export function waysTo<Endpoint extends object>(
  recipe: Recipe<Endpoint>,
  context: FinderContext,
): readonly Way<Running<Endpoint>>[] {
  const { install } = recipe;
  const launching =
    (locate: () => Promise<Command | Unavailable>): Way<Running<Endpoint>>["attempt"] =>
    async () => {
      const command = await locate();
      if ("unavailable" in command) return command;
      return await launchService(recipe, command, context.reaper);
    };
  return [
    { name: "environment", attempt: () => fromEnvironment(recipe, context) },
    { name: "docker compose", attempt: () => fromCompose(recipe, context) },
    { name: "PATH", attempt: launching(() => onPath(recipe, context)) },
    ...(install.kind === "go"
      ? [
          {
            name: "cache",
            attempt: launching(() => cachedBinary(recipe, install, context.cache)),
          },
          {
            name: "go install",
            attempt: launching(() => context.serially(() => goInstall(recipe, install, context))),
          },
        ]
      : [
          { name: "cache", attempt: launching(() => cachedPackage(install, context.cache)) },
          {
            name: "npm ci",
            attempt: launching(() => context.serially(() => npmInstall(recipe, install, context))),
          },
        ]),
  ];
}

async function fromEnvironment<Endpoint extends object>(
  recipe: Recipe<Endpoint>,
  { environment }: FinderContext,
): Promise<Running<Endpoint> | Unavailable> {
  const endpoint = recipe.fromEnvironment(environment);
  if (endpoint === undefined) return { unavailable: "no variable names an endpoint" };
  // From here on no other way is tried: somebody wants the tests to talk to this one.
  if ("unavailable" in endpoint) return { ...endpoint, final: true };
  const url = recipe.probeUrl(endpoint);
  const failure = await waitUntilReady({ url, isReady: isAnswer, waitMsMax: answerMsMax });
  if (failure !== undefined) return { unavailable: failure, final: true };
  return { endpoint, stop: () => Promise.resolve() };
}

async function fromCompose<Endpoint extends object>(
  recipe: Recipe<Endpoint>,
  context: FinderContext,
): Promise<Running<Endpoint> | Unavailable> {
  const unavailable = await context.composeUnavailable();
  if (unavailable !== undefined) return { unavailable };
  return await composeUp(recipe, context);
}

async function onPath(
  { binary, install }: Program,
  { environment }: FinderContext,
): Promise<Command | Unavailable> {
  const file = findOnPath(binary, environment["PATH"]);
  if (file === undefined) return { unavailable: `no ${binary}` };
  // A script's first line would pick the first Node on PATH, which may be too old for it.
  return install.kind === "npm" ? [process.execPath, await realpath(file)] : [file];
}

/** A real service need not know the emulator's health check, so any answer will do. */
function isAnswer(status: number): boolean {
  return status < 500;
}

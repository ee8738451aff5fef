import { azurite } from "./azurite.ts";
import { cacheFolder } from "./cache-folder.ts";
import { composeUnavailable } from "./compose.ts";
import { fakeGcs } from "./fake-gcs.ts";
import { firstSuccess } from "./first-success.ts";
import { makeSerializer } from "./install-context.ts";
import { minio } from "./minio.ts";
import { startReaper } from "./reaper.ts";
import type { Recipe } from "./recipe.ts";
import { expectedServices, requestedServices } from "./selection.ts";
import type { ServiceName, SkippedService, TestServices } from "./services.ts";
import { toxiproxy } from "./toxiproxy.ts";
import { versitygw } from "./versitygw.ts";
import { waysTo, type FinderContext } from "./ways.ts";

/** The services of one run. */
export interface StartedServices {
  readonly services: TestServices;
  /** For each service that runs, how it was got and how long that took. */
  readonly started: readonly StartedService[];
  /** Ends what was started, and removes its data. Later calls wait for the first. */
  readonly stop: () => Promise<void>;
}

/** How one service was got. */
export interface StartedService {
  readonly service: ServiceName;
  readonly way: string;
  readonly elapsedMs: number;
}

/**
 * Starts the services that `BITSTORE_TEST_SERVICES` names, all at once but builds one after
 * another. A service that can't be had does not fail the others: it is listed as skipped.
 */
export async function startServices(
  environment: Readonly<Record<string, string | undefined>>,
  progress: (line: string) => void,
): Promise<StartedServices> {
  const requested = requestedServices(environment);
  const expected = expectedServices(environment);
  const reaper = startReaper();
  let engine: Promise<string | undefined> | undefined;
  const context: FinderContext = {
    environment,
    progress,
    reaper,
    cache: cacheFolder(environment),
    serially: makeSerializer(),
    composeUnavailable: () => (engine ??= composeUnavailable()),
  };
  const skipped: SkippedService[] = [];
  const started: StartedService[] = [];
  const stops: (() => Promise<void>)[] = [];

  const start = async <Endpoint extends object>(
    recipe: Recipe<Endpoint>,
  ): Promise<Endpoint | undefined> => {
    const { service } = recipe;
    if (!requested.includes(service)) {
      const reason = "BITSTORE_TEST_SERVICES does not name it";
      if (expected.includes(service)) skipped.push({ service, reason });
      return undefined;
    }
    const startMs = performance.now();
    const outcome = await firstSuccess(waysTo(recipe, context));
    if (!outcome.found) {
      skipped.push({ service, reason: outcome.reason });
      return undefined;
    }
    const elapsedMs = Math.round(performance.now() - startMs);
    started.push({ service, way: outcome.way, elapsedMs });
    stops.push(outcome.value.stop);
    return outcome.value.endpoint;
  };

  const [s3, s3Clone, gcs, azure, proxy] = await Promise.all([
    start(minio),
    start(versitygw),
    start(fakeGcs),
    start(azurite),
    start(toxiproxy),
  ]);
  const services: TestServices = {
    ...(s3 === undefined ? {} : { s3 }),
    ...(s3Clone === undefined ? {} : { s3Clone }),
    ...(gcs === undefined ? {} : { gcs }),
    ...(azure === undefined ? {} : { azure }),
    ...(proxy === undefined ? {} : { toxiproxy: proxy }),
    skipped,
  };
  let stopped: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    // What can't be stopped here stays on the reaper's list.
    await Promise.allSettled(stops.map((stop) => stop()));
    await reaper.close();
  };
  return { services, started, stop: () => (stopped ??= stopAll()) };
}

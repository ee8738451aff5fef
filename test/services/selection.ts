import type { ServiceName, SkippedService } from "./services.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const standardServices: readonly ServiceName[] = ["s3", "s3-clone", "gcs", "azure"];
const knownServices: readonly ServiceName[] = [...standardServices, "toxiproxy"];
/** No services that are started, but tools that some tests need and look for by themselves. */
const tools: readonly string[] = ["python", "chromium"];

/**
 * Returns the services to start, from `BITSTORE_TEST_SERVICES`: a comma list, `all` or `none`.
 * Unset means all and what is required; `all` is without toxiproxy, which few tests want.
 */
export function requestedServices(environment: Environment): readonly ServiceName[] {
  const requested = parseServiceList(environment, "BITSTORE_TEST_SERVICES");
  return requested ?? expectedServices(environment);
}

/** Returns the services whose absence is worth a word, because some test may want them. */
export function expectedServices(environment: Environment): readonly ServiceName[] {
  return [...new Set([...standardServices, ...requiredServices(environment)])];
}

/**
 * Returns the services without which the run fails, from `BITSTORE_TEST_REQUIRE`: a comma
 * list, `all` or `none`. Unset means none.
 */
export function requiredServices(environment: Environment): readonly ServiceName[] {
  return parseServiceList(environment, "BITSTORE_TEST_REQUIRE") ?? [];
}

/**
 * Returns the message the run fails with when a required service was skipped, and `undefined`
 * when all of them are there. A service that was not even asked for counts as skipped.
 */
export function missingRequired(
  required: readonly ServiceName[],
  skipped: readonly SkippedService[],
): string | undefined {
  const missing = skipped.filter(({ service }) => required.includes(service));
  if (missing.length === 0) return undefined;
  return [
    "BITSTORE_TEST_REQUIRE names services that could not be had:",
    ...missing.map((skip) => describeSkip(skip)),
  ].join("\n");
}

/** Returns what is printed at the end of a run about services that were skipped. */
export function describeSkips(skipped: readonly SkippedService[]): string | undefined {
  if (skipped.length === 0) return undefined;
  return [
    "Tests were skipped because these services were not there:",
    ...skipped.map((skip) => describeSkip(skip)),
  ].join("\n");
}

function describeSkip({ service, reason }: SkippedService): string {
  return `  ${service}: ${reason.replaceAll("\n", "\n    ")}`;
}

function parseServiceList(
  environment: Environment,
  variable: string,
): readonly ServiceName[] | undefined {
  const value = environment[variable]?.trim();
  if (value === undefined || value === "") return undefined;
  if (value === "none") return [];
  if (value === "all") return standardServices;
  const names = value
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && !tools.includes(name));
  return [...new Set(names.map((name) => parseServiceName(name, variable)))];
}

function parseServiceName(name: string, variable: string): ServiceName {
  const known = knownServices.find((candidate) => candidate === name);
  if (known === undefined) {
    // A misspelt name must not pass for a service that nobody requires.
    throw new Error(
      `${variable}: unknown service "${name}"; known: ${[...knownServices, ...tools].join(", ")}`,
    );
  }
  return known;
}

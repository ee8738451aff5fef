import { startServices, type StartedServices } from "../services/start-services.ts";
import type { ServiceName } from "../services/services.ts";

/** Starts services for one test alone, whatever the rest of the run has. */
export async function startOnly(
  environment: Readonly<Record<string, string | undefined>>,
  ...names: readonly ServiceName[]
): Promise<StartedServices> {
  const only = { BITSTORE_TEST_SERVICES: names.join(","), BITSTORE_TEST_REQUIRE: "none" };
  return await startServices({ ...environment, ...only }, (line) => {
    process.stderr.write(`${line}\n`);
  });
}

import type { TestProject } from "vitest/node";
import { describeSkips, missingRequired, requiredServices } from "./selection.ts";
import { startServices } from "./start-services.ts";

/**
 * Starts the test services before the first test, provides them to every test project as
 * `inject("services")`, and ends them after the last. See services.ts for how a test uses
 * them, and selection.ts for the variables that choose among them.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Read first, so that a misspelt name fails the run before anything is started.
  const required = requiredServices(process.env);
  const { services, stop } = await startServices(process.env, (line) => {
    print(`test services: ${line}`);
  });
  const missing = missingRequired(required, services.skipped);
  if (missing !== undefined) {
    await stop();
    throw new Error(missing);
  }
  project.provide("services", services);
  return async () => {
    await stop();
    const skips = describeSkips(services.skipped);
    if (skips !== undefined) print(`\n${skips}`);
  };
}

function print(text: string): void {
  process.stderr.write(`${text}\n`);
}

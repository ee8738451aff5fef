import { environmentOf, shellExport } from "./environment-of.ts";
import { describeSkips, missingRequired, requiredServices } from "./selection.ts";
import { startServices } from "./start-services.ts";

// Starts the test services for people and benchmarks, and keeps them until SIGINT or SIGTERM:
//
//   node test/services/run.ts            prints shell exports
//   node test/services/run.ts --json     prints one line of JSON: TestServices
//
// With the exports set, `npm test` uses these services instead of starting its own.

const print = (text: string): boolean => process.stderr.write(`${text}\n`);
const interrupted = new Promise<void>((resolve) => {
  // From the start: an interrupt during a build ends the build too, through the reaper.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
});

const required = requiredServices(process.env);
const starting = startServices(process.env, print);
const running = await Promise.race([starting, interrupted]);
if (running === undefined) {
  print("interrupted while starting");
  process.exit(130);
}

const { services, started, stop } = running;
for (const { service, way, elapsedMs } of started) print(`${service}: ${way}, ${elapsedMs} ms`);
const missing = missingRequired(required, services.skipped);
if (missing !== undefined) {
  print(missing);
  await stop();
  process.exit(1);
}
const skips = describeSkips(services.skipped);
if (skips !== undefined) print(skips);

const lines = process.argv.includes("--json")
  ? [JSON.stringify(services)]
  : Object.entries(environmentOf(services)).map(([name, value]) => shellExport(name, value));
process.stdout.write(`${lines.join("\n")}\n`);
print("ready; interrupt to stop");
await interrupted;
await stop();

/**
 * Measures tag logs: requests of each operation beside the protocol's table, appends and reads a
 * second by one and many writers, and what a cold read costs by the length of the history; in memory,
 * on a directory, and on MinIO where the machine has it. BENCH_MS sets how long each rate is taken,
 * BENCH_ENTRIES the longest history on a directory and on MinIO, which is slow to write.
 */
import { startServices } from "../test/services/start-services.ts";
import { printColdReads } from "./tag-log/cold-reads.ts";
import { openPlaces } from "./tag-log/places.ts";
import { printRequests } from "./tag-log/requests.ts";
import { printThroughput } from "./tag-log/throughput.ts";

const ms = Number(process.env["BENCH_MS"] ?? 1500);
const entriesMax = Number(process.env["BENCH_ENTRIES"] ?? 10_000);
const lengths = [10, 1000, 10_000, 100_000];

const environment = { BITSTORE_TEST_SERVICES: "s3", ...process.env };
const { services, stop } = await startServices(environment, () => undefined);
const places = await openPlaces(services.s3);
try {
  for (const { service, reason } of services.skipped) {
    if (service === "s3") console.log(`without MinIO: ${reason}\n`);
  }
  await printRequests();
  console.log("");
  await printThroughput(places.all, ms);
  console.log("");
  await printColdReads(places.all, lengths, entriesMax);
} finally {
  await places.dispose();
  await stop();
}

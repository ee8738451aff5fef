import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { StartedServices } from "../services/start-services.ts";
import { type CloudName, cloudsOf } from "./clouds.ts";
import { type FaultCase, faultCases } from "./fault-cases.ts";
import { type Holdings, holdings, settledHoldings } from "./open-sockets.ts";
import { startOnly } from "./own-services.ts";
import { type FaultPlace, type FaultResult, openFaultPlace } from "./run-fault.ts";

// Toxiproxy stands before each service, and each fault strikes in the middle of a read and of a put
// of a megabyte, through the stack as a config opens it. What comes is the right bytes or a typed error;
// what was acknowledged is there, what is there is whole, and once the fault is gone the next try
// succeeds. With a second tier behind the service every read succeeds. Waits run twenty times faster.

const services = inject("services");
const clouds = cloudsOf(services);
const names: readonly CloudName[] = ["minio", "versitygw", "fake-gcs", "azurite"];

const scale = { blobBytes: 2 ** 20, swiftness: 20 };
const triesMax = 3;
/** Cases of one service at a time. */
const lanes = 5;

let folder = "";
let before: Holdings;
let own: StartedServices | undefined;
let apiUrl: string | undefined = services.toxiproxy?.apiUrl;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bitstore-faults-"));
  if (clouds.length === 0) return;
  if (apiUrl === undefined) {
    own = await startOnly(process.env, "toxiproxy");
    apiUrl = own.services.toxiproxy?.apiUrl;
  }
  before = await holdings();
});
afterAll(async () => {
  await own?.stop();
  await rm(folder, { recursive: true, force: true });
});

/**
 * Runs a case, and once more where the machine was too busy: for a fault to get there before the end
 * of the body, or for one that only slows things down to be within the swift clock's limits.
 */
async function runCase(place: FaultPlace, fault: FaultCase, seed: number): Promise<FaultResult> {
  for (let tries = 1; ; tries += 1) {
    const result = await place.run(fault, seed + 100 * tries);
    const isRead = fault.operation === "read";
    const isGood = fault.cutsOff ? !isRead || result.failedOver : result.alone === "right";
    if (isGood || tries >= triesMax) return result;
  }
}

describe.concurrent("faults", () => {
  test.for(names)(
    "on the way to %s end in the right bytes or a typed error",
    { timeout: 240_000 },
    async (name, { skip }) => {
      const cloud = clouds.find((each) => each.name === name);
      if (cloud === undefined) {
        skip(`${name} is not there`);
        return;
      }
      if (apiUrl === undefined) throw new Error("toxiproxy can't be had");
      await using place = await openFaultPlace(cloud, apiUrl, folder, scale);
      const results: FaultResult[] = [];
      const waiting = faultCases.entries();
      const lane = async (): Promise<void> => {
        for (const [at, fault] of waiting) results.push(await runCase(place, fault, at));
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      for (const { fault, alone, backed, failedOver, elapsedMs } of results) {
        const ends = `${name} ${fault.operation} ${fault.name}: ${alone}, ${backed ?? "-"}`;
        if (process.env["BITSTORE_FAULTS_PRINT"])
          console.log(`${ends} ${Math.round(elapsedMs)} ms`);
        if (fault.operation === "read") {
          expect(backed, `with a second tier: ${ends}`).toBe("right");
          if (fault.cutsOff) expect(failedOver, `the fault struck: ${ends}`).toBe(true);
        }
        // What only slows it down costs nothing but time.
        if (!fault.cutsOff) expect(alone, ends).toBe("right");
      }
    },
  );
});

test.skipIf(clouds.length === 0)("faults leave no socket and no file open", async () => {
  const after = await settledHoldings(before);
  expect(after.sockets).toBeLessThanOrEqual(before.sockets);
  expect(after.files).toBeLessThanOrEqual(before.files);
});

import { cloudsOf } from "../faults/clouds.ts";
import { type FaultCase, faultCases, randomCase } from "../faults/fault-cases.ts";
import { holdings, settledHoldings } from "../faults/open-sockets.ts";
import { startOnly } from "../faults/own-services.ts";
import { type FaultResult, openFaultPlace } from "../faults/run-fault.ts";
import { seededRandom } from "@bitstore/conformance";
import { hold, type Soak } from "./soak.ts";

/** Large enough for uploads in parts. */
const scale = { blobBytes: 12 * 2 ** 20, swiftness: 10 };
const randomRounds = Number(process.env["BITSTORE_SOAK_FAULTS"] ?? 60);
const lanes = 3;

/** Every fault alone and pairs at random, on reads and puts of 12 MiB, before each service. */
export const faults: Soak = async (services, folder, print) => {
  const own =
    services.toxiproxy === undefined ? await startOnly(process.env, "toxiproxy") : undefined;
  const apiUrl = (own?.services ?? services).toxiproxy?.apiUrl;
  if (apiUrl === undefined) throw new Error("toxiproxy can't be had");
  try {
    for (const cloud of cloudsOf(services)) {
      const before = await holdings();
      const random = seededRandom(1);
      const drawn = Array.from({ length: randomRounds }, () => randomCase(() => random.next()));
      const results: FaultResult[] = [];
      {
        await using place = await openFaultPlace(cloud, apiUrl, folder, scale);
        const waiting: IterableIterator<[number, FaultCase]> = [...faultCases, ...drawn].entries();
        const lane = async (): Promise<void> => {
          for (const [seed, fault] of waiting) results.push(await place.run(fault, seed));
        };
        await Promise.all(Array.from({ length: lanes }, lane));
      }
      const count = (is: (result: FaultResult) => boolean): number => results.filter(is).length;
      const slowestMs = Math.max(...results.map(({ elapsedMs }) => elapsedMs));
      print(
        `${cloud.name}: ${results.length} faults; alone ${count(({ alone }) => alone === "right")} ` +
          `right and the others a typed error; with a second tier ` +
          `${count(({ backed }) => backed === "right")} of ` +
          `${count(({ backed }) => backed !== undefined)} reads right, ` +
          `${count(({ failedOver }) => failedOver)} by failing over; slowest case ` +
          `${(slowestMs / 1000).toFixed(1)} s`,
      );
      for (const { fault, backed } of results) {
        hold(backed === undefined || backed === "right", `a read under ${fault.name} fails over`);
      }
      const after = await settledHoldings(before);
      hold(
        after.sockets <= before.sockets,
        `no socket is left (${before.sockets}, ${after.sockets})`,
      );
      hold(after.files <= before.files, `no file is left open (${before.files}, ${after.files})`);
    }
  } finally {
    await own?.stop();
  }
};

import { bucketStore, sleep, trashPrefix } from "@bitstore/core";
import { collectGarbage } from "../../src/index.ts";
import { graceMs, layout, short } from "./blobs.ts";
import { type Collected, gcOptions } from "./collector.ts";
import type { World } from "./world.ts";

/**
 * Looks after all whether what must be there is, and whether what nothing names goes within a few
 * rounds of a collector that meets no trouble.
 */
export async function settle(world: World, collected: Collected): Promise<void> {
  const { sim, blobs, violate, oracle } = world;
  const { bucket } = collected;
  const clock = sim.clock("end");
  const readOnly = bucketStore(bucket, layout, { clock, restores: false });
  sim.spawn("end", async () => {
    for (const { digest, bytes } of blobs) {
      if (!oracle.mustBeReadable(digest)) continue;
      const got = await (await readOnly.open(digest))?.bytes();
      if (got === undefined || !Buffer.from(got).equals(bytes)) {
        violate(`${short(digest)} can't be read at the end`);
      }
    }
    for (let round = 0; round < 5; round += 1) {
      await sleep(clock, 2 * graceMs);
      const date = (): Date => new Date(sim.timeMs);
      await collectGarbage(gcOptions({ ...collected, date }, clock, sim));
    }
    for (const { digest } of blobs) {
      const isLive = (await bucket.head(layout.key(digest))) !== undefined;
      if (isLive !== oracle.isNamed(digest)) {
        violate(`garbage is ${isLive ? "left" : "what a tag names"}`);
      }
    }
    for await (const { key } of bucket.list(trashPrefix(layout))) violate(`${key} is left`);
  });
  const outcome = await sim.run();
  for (const { task, error } of outcome.failures) violate(`${task} failed: ${String(error)}`);
  if (outcome.ended !== "done") violate(`the end ended with ${outcome.ended}`);
}

import type { Digest } from "@bitstore/core";
import { diskCache } from "../../src/index.ts";
import type { SimProcess } from "./machine.ts";
import { checkLeaks, isShrinking, optionsOf, type World } from "./run-cache.ts";

/**
 * Opens the cache once more when all is quiet and mended: index and folder agree, nothing is left of
 * who died, what is there is right, and everything can be stored and read.
 */
export async function checkAtRest(
  world: World,
  process: SimProcess,
  bytesMax: number,
): Promise<void> {
  const { folder, ledger, plan, violate } = world;
  const cache = await diskCache(optionsOf(world, process, bytesMax));
  const listed: Digest[] = [];
  // A list waits until all files have been looked through.
  for await (const { digest } of cache.list()) listed.push(digest);
  if (!world.isTampered()) await agree("after recovery");
  await cache.reindex();
  await agree("after a reindex");
  const left = folder.temporary();
  if (left.length > 0) violate(`temporary files are left: ${left.join(" ")}`);
  const owners = folder.owners();
  if (owners.length !== 1) violate(`owners are left: ${owners.join(" ")}`);

  for await (const { digest, size } of cache.list()) {
    const blob = ledger.of(digest);
    if (blob === undefined) {
      violate(`${digest} is listed, which nobody put`);
      continue;
    }
    if (blob.mayBeRotten) continue;
    if (size !== blob.bytes.byteLength) violate(`${digest} is listed with ${size} bytes`);
    const got = await (await cache.open(digest))?.bytes();
    if (got === undefined) violate(`${digest} is listed and can't be read`);
    else if (Buffer.compare(got, blob.bytes) !== 0) violate(`wrong bytes of ${digest}`);
    if (blob.gone && !blob.mayBeHidden) violate(`${digest} was deleted and is there`);
  }
  for (const { owed, digest } of ledger.blobs) {
    const mustBe = owed && plan.isRoomy && !isShrinking(plan);
    if (mustBe && (await cache.stat(digest)) === undefined) violate(`${digest} is lost`);
  }
  for (const { digest, bytes } of ledger.blobs) {
    await cache.put(bytes, { digest });
    const got = await (await cache.open(digest))?.bytes();
    if (got === undefined || Buffer.compare(got, bytes) !== 0) {
      violate(`${digest} can't be read after it was put again`);
    }
  }
  await agree("in the end");
  await cache[Symbol.asyncDispose]();
  checkLeaks(world, process);

  async function agree(when: string): Promise<void> {
    const { bytes, heldBytes, complete } = await cache.stats();
    const there = folder.bytes();
    if (bytes !== there) violate(`the index counts ${bytes} bytes ${when}, the disk has ${there}`);
    if (heldBytes !== 0) violate(`${heldBytes} bytes are held ${when}`);
    if (!complete) violate(`not all files are seen ${when}`);
    if (there > bytesMax) violate(`${there} bytes are there ${when}, where ${bytesMax} may be`);
  }
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bigBlobMemory } from "./big-blob-memory.ts";
import { startGcsStandIn } from "./gcs-stand-in.ts";

const MiB = 2 ** 20;

// A blob goes in and out through all layers, by processes of their own, and a larger one takes no
// more memory: `npm run soak big-blobs` measures the same with 4 GiB on each cloud. Whatever kept
// the chunks of a read would show, since the larger blob is four times the margin.
test("a larger blob takes no more memory", { timeout: 300_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "bitstore-big-"));
  try {
    await using standIn = await startGcsStandIn(folder);
    const url = `gs://big/?endpoint=${standIn.endpoint}&anonymous=true`;
    const cloud = { name: "gcs", url, env: {} };
    const small = await bigBlobMemory(cloud, 64 * MiB, folder);
    const large = await bigBlobMemory(cloud, 320 * MiB, folder);
    expect(large.put - small.put).toBeLessThan(64 * MiB);
    expect(large.get - small.get).toBeLessThan(64 * MiB);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

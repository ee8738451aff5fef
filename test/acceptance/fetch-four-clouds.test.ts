import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hexOf } from "@bitstore/core";
import { describe, expect, inject, test } from "vitest";
import { fourClouds, plantMany, tierNames } from "./four-clouds.ts";
import { runBitstore } from "./run-bitstore.ts";

const services = inject("services");
const absent = services.s3 && services.gcs && services.azure ? undefined : "a cloud is not there";

describe.skipIf(absent !== undefined)("the main job over three clouds and an API", () => {
  // A tenth of the figure that `npm run soak many-blobs` measures: every digest is delivered and
  // right, and a second run into an empty folder is served by the cache alone, counted at the tiers.
  test("nothing lost, nothing wrong, and the second run asks nobody behind the cache", async () => {
    const folder = await mkdtemp(join(tmpdir(), "bitstore-four-"));
    try {
      await using clouds = await fourClouds(services, folder);
      const digests = await plantMany(clouds, 2000, 4096);
      await writeFile(join(folder, "ids.txt"), digests.map((digest) => `${digest}\n`).join(""));
      const { env } = clouds;
      for (const tier of tierNames) clouds.proxies[tier].reset();

      const first = await runBitstore(
        ["fetch", "ids.txt", "--to", "one", "--report", "one.ndjson"],
        {
          cwd: folder,
          env,
        },
      );
      expect(first.stderr).not.toContain("failed");
      expect(first.status).toBe(0);
      const served = tierNames.map((tier) => clouds.proxies[tier].requests());
      for (const requests of served) expect(requests).toBeGreaterThanOrEqual(500);
      const report = (await readFile(join(folder, "one.ndjson"), "utf8")).trimEnd().split("\n");
      expect(report).toHaveLength(digests.length);
      expect(report.every((line) => line.includes('"status":"fetched"'))).toBe(true);

      for (const tier of tierNames) clouds.proxies[tier].reset();
      const second = await runBitstore(["fetch", "ids.txt", "--to", "two"], { cwd: folder, env });
      expect(second.status).toBe(0);
      expect(second.stderr).toContain(`cache ${digests.length}`);
      expect(tierNames.map((tier) => clouds.proxies[tier].requests())).toEqual([0, 0, 0, 0]);

      for (const run of ["one", "two"]) {
        const names = (await readdir(join(folder, run))).filter((name) => !name.startsWith("."));
        expect(names.sort()).toEqual(digests.map(hexOf).sort());
        for (const name of names) {
          const hash = createHash("sha256").update(await readFile(join(folder, run, name)));
          expect(hash.digest("hex")).toBe(name);
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

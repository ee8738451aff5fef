import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { cloudsOf } from "./clouds.ts";
import { fetchWhileKilled, startMortalClouds } from "./killed-services.ts";
import { openCradle } from "./mortal-service.ts";

// Two thousand blobs lie in four services, each in one alone, and one service is killed in the middle
// of their bulk fetch: it comes back, and nothing was lost, and nothing failed that had to wait only.
// The services are instances of the test's own. `npm run soak killed-services` kills each in turn.

const has = cloudsOf(inject("services")).length === 4;

test.skipIf(!has)(
  "a service that is killed in the middle of a bulk fetch delays it, and costs nothing else",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "bitstore-killed-"));
    try {
      await using cradle = openCradle(process.env);
      await using services = new AsyncDisposableStack();
      const clouds = await startMortalClouds(cradle);
      for (const each of clouds) services.use(each);
      const plan = { count: 2000, victims: ["versitygw"], deadMs: 1500 };
      const result = await fetchWhileKilled(clouds, folder, plan);
      expect(result).toMatchObject({
        status: 0,
        statuses: { fetched: 2000 },
        errors: {},
        lost: 0,
        strays: 0,
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  180_000,
);

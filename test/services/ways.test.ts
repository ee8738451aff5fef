import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { azurite } from "./azurite.ts";
import { firstSuccess } from "./first-success.ts";
import { cachedBinary } from "./go-install.ts";
import { makeSerializer } from "./install-context.ts";
import { minio } from "./minio.ts";
import { waysTo, type FinderContext } from "./ways.ts";

// The finder with an empty cache folder, an empty PATH and no container engine: it must tell
// what it tried, in order, without starting or building anything.
let cache: string;
let context: FinderContext;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "bitstore-finder-"));
  context = {
    cache,
    environment: { PATH: "" },
    progress: () => undefined,
    serially: makeSerializer(),
    composeUnavailable: () => Promise.resolve("no engine"),
    reaper: {
      add: () => expect.unreachable("nothing is to be started"),
      remove: () => undefined,
      close: () => Promise.resolve(),
    },
  };
});
afterEach(() => rm(cache, { recursive: true }));

describe("the order of the ways", () => {
  test("a Go service is built last", async () => {
    const outcome = await firstSuccess(waysTo(minio, context));
    expect(outcome).toEqual({
      found: false,
      reason: [
        "environment: no variable names an endpoint",
        "docker compose: no engine",
        "PATH: no minio",
        "cache: no minio there",
        "go install: no go on PATH",
      ].join("\n"),
    });
  });

  test("an npm service is installed last", () => {
    const names = waysTo(azurite, context).map(({ name }) => name);
    expect(names).toEqual(["environment", "docker compose", "PATH", "cache", "npm ci"]);
  });
});

describe("an endpoint in the environment", () => {
  const keys = {
    BITSTORE_TEST_S3_ACCESS_KEY_ID: "a",
    BITSTORE_TEST_S3_SECRET_ACCESS_KEY: "b",
  };

  test("is used if it answers, even with a refusal", async () => {
    await using server = createServer((_request, response) => response.writeHead(403).end());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const environment = { ...keys, BITSTORE_TEST_S3_ENDPOINT: `${endpoint}/` };
    const outcome = await firstSuccess(waysTo(minio, { ...context, environment }));
    expect(outcome).toMatchObject({
      found: true,
      way: "environment",
      value: { endpoint: { endpoint, accessKeyId: "a", region: "us-east-1" } },
    });
  });

  test("without keys is a mistake, and no other way is tried", async () => {
    const environment = { BITSTORE_TEST_S3_ENDPOINT: "http://127.0.0.1:9" };
    const outcome = await firstSuccess(waysTo(minio, { ...context, environment }));
    expect(outcome).toMatchObject({
      found: false,
      reason: expect.stringMatching(/^environment: .*SECRET_ACCESS_KEY$/),
    });
  });
});

describe("a binary in the cache", () => {
  const install = { kind: "go", module: "m", version: "v2", duration: "" } as const;

  test.each([
    ["put there by hand", undefined, true],
    ["of the pinned version", "v2\n", true],
    ["of another version", "v1\n", false],
  ])("%s (%o) is used: %o", async (_what, version, used) => {
    await mkdir(join(cache, "bin"));
    const binary = join(cache, "bin", "minio");
    await writeFile(binary, "", { mode: 0o755 });
    if (version !== undefined) await writeFile(`${binary}.version`, version);
    const found = await cachedBinary(minio, install, cache);
    if (used) expect(found).toEqual([binary]);
    else expect(found).toEqual({ unavailable: "it has v1, and v2 is wanted" });
  });
});

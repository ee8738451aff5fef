import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  bucketStore,
  composite,
  defineTier,
  memoryBucket,
  parseDigest,
  shardedLayout,
} from "@bitstore/core";
import { createServer, type RequestRecord } from "@bitstore/server";
import { durableTargets, tagLog } from "@bitstore/tags";
import { describe, expect, test } from "vitest";
import { pythonEnvironment } from "./python-environment.ts";

// A fuzzer that knows nothing of this project reads the served OpenAPI document and tries to find a
// request that is answered in another way than the document says: with a fault of the server, a status
// or a body that is not declared, what is malformed taken, or what is well-formed refused.

const requirements = fileURLToPath(new URL("schemathesis-requirements.txt", import.meta.url));
const config = fileURLToPath(new URL("schemathesis.toml", import.meta.url));
const { python } = await pythonEnvironment(requirements, process.env);

/** Cases of each operation and kind; they take some seconds together. */
const examplesMax = 12;

describe.skipIf(python === undefined)("schemathesis", () => {
  test("finds nothing", { timeout: 240_000 }, async () => {
    const origin = bucketStore(memoryBucket("blobs"), shardedLayout(""), { name: "memory:" });
    const store = composite({
      tiers: [defineTier({ name: "ours", source: origin, origin: true })],
    });
    const tags = tagLog(memoryBucket("tags"), { checkTarget: durableTargets(store) });
    const hello = parseDigest((await store.put(Buffer.from("hello"))).digest);
    await tags.append("models/prod", hello);
    const records: RequestRecord[] = [];
    const server = createServer({
      open: (namespace) =>
        Promise.resolve({ namespace, store, tags, [Symbol.asyncDispose]: () => Promise.resolve() }),
      onRequest: (record) => void records.push(record),
    });
    const { url } = await server.listen();
    const folder = await mkdtemp(join(tmpdir(), "bitstore-fuzz-"));
    try {
      const words = (
        `--config-file ${config} run ${url}/openapi.json --no-color --request-timeout 60 ` +
        // A watch has no end that could be waited for.
        "--exclude-operation-id watchTag --phases examples,coverage,fuzzing " +
        `--seed 1 --generation-deterministic --max-examples ${examplesMax}`
      ).split(" ");
      const command = join(dirname(python ?? ""), "schemathesis");
      const ended = await promisify(execFile)(command, words, {
        cwd: folder,
        maxBuffer: 64 * 2 ** 20,
      }).then(
        ({ stdout }) => ({ stdout, status: 0 }),
        (error: { stdout?: string; stderr?: string; code?: number }) => ({
          stdout: `${error.stdout ?? ""}${error.stderr ?? ""}`,
          status: error.code,
        }),
      );
      expect(ended.status, ended.stdout.slice(-8000)).toBe(0);
      expect(ended.stdout).toContain("generated");
    } finally {
      await rm(folder, { recursive: true, force: true });
      await server.close();
      await store[Symbol.asyncDispose]();
    }
    // It has reached what is behind the checks, too.
    const reached = new Set(records.filter(({ status }) => status < 300).map((each) => each.route));
    expect(reached.size).toBeGreaterThan(10);
    expect(
      records.filter(({ status }) => status === 500).map(({ cause }) => String(cause)),
    ).toEqual([]);
  });
});

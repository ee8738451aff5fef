import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { seededBytes } from "@bitstore/conformance";
import { type BlobStore, createHasher, type Digest, digestOf, isStoreError } from "@bitstore/core";
import { uniqueName } from "../services/services.ts";
import { type Cloud, openClouds, type TierDraft } from "./clouds.ts";
import type { FaultCase } from "./fault-cases.ts";
import { swiftClock } from "./swift-clock.ts";
import { openToxicProxy, type Toxic } from "./toxiproxy-client.ts";

/** How large the blobs are, and how fast waits pass. */
export interface FaultScale {
  /** Bytes of the blob that is read and put, well above what is verified before its first byte. */
  readonly blobBytes: number;
  /** Waits pass this many times faster than they are configured. */
  readonly swiftness: number;
}

/** Of this size a blob is verified before its first byte, here; by default it is 4 MiB. */
const verifyFirstBytesMax = 64 * 1024;
const chunkBytes = 64 * 1024;
/** Chunks after which a fault strikes midway. */
const chunksBefore = 2;
const smallBytes = 1000;
/** Milliseconds that a service may be silent, before swiftness; of a put it is a minute. */
const timeoutMs = 40_000;
/** Milliseconds of the machine's own time that any one operation may take, on a busy machine too. */
const operationMsMax: number = 120_000;
/** Tries without a fault: more than one only where the machine is too busy for the swift clock. */
const triesMax = 3;

/** How an operation ended: well, or with an error of the table that says "not answered". */
export type FaultEnd = "right" | "UNAVAILABLE" | "TIMEOUT" | "INDETERMINATE";

/** What came of one case. */
export interface FaultResult {
  readonly cloud: string;
  readonly fault: FaultCase;
  /** With the service as the only tier. */
  readonly alone: FaultEnd;
  /** With a second tier behind it, where the case is a read. */
  readonly backed: FaultEnd | undefined;
  /** Whether the second tier had to help. */
  readonly failedOver: boolean;
  readonly elapsedMs: number;
}

/** Where cases run: a bucket of one cloud, and a directory that has the same blobs. */
export interface FaultPlace extends AsyncDisposable {
  run(fault: FaultCase, seed: number): Promise<FaultResult>;
}

/** Makes a bucket with a large and a small blob in it. */
export async function openFaultPlace(
  cloud: Cloud,
  apiUrl: string,
  folder: string,
  { blobBytes, swiftness }: FaultScale,
): Promise<FaultPlace> {
  const bucket = uniqueName("faults");
  await cloud.makeBucket(bucket);
  const root = await mkdtemp(join(folder, `${cloud.name}-`));
  const second: TierDraft = { name: "second", url: "./second" };
  const direct = await openClouds(
    root,
    [{ name: "direct", origin: true, ...cloud.tier(bucket, cloud.endpoint) }],
    cloud.env,
  );
  await mkdir(join(root, "second"));
  const copy = await openClouds(root, [{ ...second, origin: true }], {});
  // Past what a composite remembers: it would answer for a while that what it missed is missing.
  const origin = direct.store.tiers[0]?.source ?? direct.store;
  const large = seededBytes(blobBytes, 1);
  const { digest } = await direct.store.put(large);
  await copy.store.put(large);
  const small = await direct.store.put(seededBytes(smallBytes, 2));
  await copy.store.put(seededBytes(smallBytes, 2));
  await copy[Symbol.asyncDispose]();

  async function run(fault: FaultCase, seed: number): Promise<FaultResult> {
    const startedMs = performance.now();
    await using proxy = await openToxicProxy(apiUrl, cloud.endpoint);
    const tier = { name: "first", timeoutMs, ...cloud.tier(bucket, proxy.endpoint) };
    const open = async (...tiers: TierDraft[]): ReturnType<typeof openClouds> =>
      await openClouds(root, tiers, cloud.env, {
        clock: swiftClock(swiftness),
        limits: { verifyFirstBytesMax },
      });
    let striking: Promise<void> | undefined;
    const strike = async (): Promise<void> => {
      for (const toxic of fault.toxics) await proxy.add(toxic);
    };
    const before = async (): Promise<void> => {
      await proxy.add(pace(fault.operation, blobBytes));
      if (fault.strikes === "before") await strike();
    };
    // Not waited for: toxiproxy changes no connection whose reader has stopped.
    const midway = (chunks: number): void => {
      if (fault.strikes === "midway" && chunks === chunksBefore) striking = strike();
    };
    const after = async (): Promise<void> => {
      await striking;
      await proxy.clear();
    };
    if (fault.operation === "put") {
      await using opened = await open({ ...tier, origin: true });
      const bytes = seededBytes(blobBytes, 1000 + seed);
      const wanted = await digestOf(bytes, "sha256");
      await before();
      const alone = await endOf(async () => {
        const result = await opened.store.put(() => slowly(bytes, midway), {
          digest: wanted,
          size: bytes.byteLength,
        });
        if (result.digest !== wanted) throw new Error(`put answers ${result.digest}`);
      });
      // What is acknowledged is there, and what is there is whole, whatever was answered.
      await checkPut(origin, wanted, alone === "right");
      await after();
      await again(() => opened.store.put(bytes, { digest: wanted }));
      await checkPut(origin, wanted, true);
      const elapsedMs = performance.now() - startedMs;
      return { cloud: cloud.name, fault, alone, backed: undefined, failedOver: false, elapsedMs };
    }

    let alone: FaultEnd;
    {
      await using opened = await open(tier);
      await before();
      alone = await endOf(() => readWhole(opened.store, digest, midway));
      await after();
      await again(() => readWhole(opened.store, digest));
      await again(() => readWhole(opened.store, small.digest));
    }
    await using opened = await open(tier, second);
    await before();
    let helped = false;
    const backed = await endOf(async () => {
      const sources = await readWhole(opened.store, digest, midway);
      helped ||= sources.failures > 0;
    });
    // From its first byte under the fault, and verified before it is handed out.
    const little = await endOf(() => readWhole(opened.store, small.digest));
    if (little !== "right") throw new Error(`a small blob with a second tier: ${little}`);
    await after();
    await again(() => readWhole(opened.store, digest));
    const elapsedMs = performance.now() - startedMs;
    return { cloud: cloud.name, fault, alone, backed, failedOver: helped, elapsedMs };
  }

  return {
    run,
    async [Symbol.asyncDispose]() {
      // Nothing but whole blobs is visible at the end, whatever was broken off.
      for await (const each of origin.list()) await readWhole(origin, each.digest);
      await direct[Symbol.asyncDispose]();
    },
  };
}

/** Lets a blob take a second, so that its middle is not over before a fault gets there. */
function pace(operation: FaultCase["operation"], bytes: number): Toxic {
  const stream = operation === "read" ? "downstream" : "upstream";
  return { type: "bandwidth", stream, attributes: { rate: Math.ceil(bytes / 1024) } };
}

/** Says how an operation ended; any other end than those is thrown on. */
async function endOf(operation: () => Promise<unknown>): Promise<FaultEnd> {
  const timer = new AbortController();
  const late = pause(operationMsMax, undefined, { signal: timer.signal }).then(
    () => Promise.reject(new Error(`it did not end within ${operationMsMax} ms`)),
    () => undefined,
  );
  try {
    await Promise.race([operation(), late]);
    return "right";
  } catch (error) {
    for (const code of ["UNAVAILABLE", "TIMEOUT", "INDETERMINATE"] as const) {
      if (isStoreError(error, code)) return code;
    }
    throw error;
  } finally {
    timer.abort();
  }
}

/** Repeats what must succeed now that the fault is gone. */
async function again(operation: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await operation();
      return;
    } catch (error) {
      if (tries >= triesMax) throw error;
    }
  }
}

/** Reads a blob as a stream; rejects if the bytes that came to a clean end are not its own. */
async function readWhole(
  store: BlobStore,
  digest: Digest,
  onChunk: (chunks: number) => void = () => undefined,
): Promise<{ readonly failures: number }> {
  let failures = 0;
  const content = await store.open(digest, {
    onAttempt: ({ outcome }) => {
      if (outcome === "failed" || outcome === "skipped") failures += 1;
    },
  });
  if (content === undefined) throw new Error(`${digest} is said to be absent`);
  await using open = content;
  const hasher = await createHasher("sha256");
  let chunks = 0;
  for await (const chunk of open.body) {
    hasher.update(chunk);
    chunks += 1;
    onChunk(chunks);
  }
  if (hasher.digest() !== digest) throw new Error(`wrong bytes of ${digest} at a clean end`);
  return { failures };
}

async function* slowly(
  bytes: Uint8Array,
  onChunk: (chunks: number) => void,
): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) {
    yield bytes.subarray(at, at + chunkBytes);
    onChunk(at / chunkBytes + 1);
  }
}

async function checkPut(store: BlobStore, digest: Digest, isPromised: boolean): Promise<void> {
  const found = await store.stat(digest);
  if (found === undefined && isPromised) throw new Error(`${digest} was acknowledged, and is gone`);
  if (found !== undefined) await readWhole(store, digest);
}

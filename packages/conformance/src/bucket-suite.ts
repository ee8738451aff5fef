import type { Bucket, BucketCapabilities } from "@bitstore/core";
import { expect } from "vitest";
import type { BucketDeviation, BucketHarness } from "./bucket-harness.ts";
import { type AddCase, type CasesMin, countedCases } from "./counted-cases.ts";

/** The capabilities that are flags. */
export type BucketFlag = {
  [K in keyof BucketCapabilities]: BucketCapabilities[K] extends boolean ? K : never;
}[keyof BucketCapabilities];

/** What the cases of the bucket suite share: the open bucket, fresh prefixes, and the count. */
export interface BucketSuite {
  readonly harness: BucketHarness;
  readonly bucket: Bucket;
  readonly deviates: (deviation: BucketDeviation) => boolean;
  /** Makes a key prefix that no other case uses, ending in `/`. */
  readonly freshPrefix: () => string;
  /** Stores an object by the harness's back door, or by a plain put. */
  readonly plant: (key: string, bytes: Uint8Array) => Promise<void>;
  /** Fails unless the object has these bytes, whole, by read and head; undefined: it is absent. */
  readonly expectStored: (key: string, bytes: Uint8Array | undefined) => Promise<void>;
  readonly test: AddCase<BucketFlag>;
  /** Opens the bucket that the cases share. */
  readonly start: () => Promise<void>;
  /** Disposes every handle that was opened, then the harness; fails where too few cases ran. */
  readonly finish: () => Promise<void>;
}

export function bucketSuite(given: BucketHarness, casesMin: CasesMin): BucketSuite {
  let bucket: Bucket | undefined;
  let prefixes = 0;
  const opened: Bucket[] = [];
  const track = async (opening: Promise<Bucket>): Promise<Bucket> => {
    const handle = await opening;
    opened.push(handle);
    return handle;
  };
  const harness: BucketHarness = {
    ...given,
    open: () => track(given.open()),
    reopen: () => track(given.reopen()),
  };
  const current = (): Bucket => {
    if (bucket === undefined) throw new Error("the harness has opened no bucket");
    return bucket;
  };
  const cases = countedCases<BucketFlag>((flag) => current().capabilities[flag]);
  return {
    harness,
    test: cases.test,
    get bucket() {
      return current();
    },
    start: async () => {
      bucket = await harness.open();
    },
    finish: async () => {
      const expected = bucket?.capabilities.write === false ? casesMin.readOnly : casesMin.all;
      for (const handle of opened) await handle[Symbol.asyncDispose]();
      await given.dispose();
      cases.check(expected);
    },
    deviates: (deviation) => harness.deviations?.includes(deviation) === true,
    freshPrefix: () => {
      prefixes += 1;
      return `case-${prefixes}/`;
    },
    plant: async (key, bytes) => {
      if (harness.seed !== undefined) await harness.seed(key, bytes);
      else await current().put(key, bytes, { size: bytes.byteLength });
    },
    expectStored: (key, bytes) => expectStored(current(), key, bytes),
  };
}

async function expectStored(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array | undefined,
): Promise<void> {
  const info = await bucket.head(key);
  const content = await bucket.read(key);
  if (bytes === undefined) {
    await content?.[Symbol.asyncDispose]();
    expect(info, `head of ${key}`).toBeUndefined();
    expect(content, `read of ${key}`).toBeUndefined();
    return;
  }
  if (content === undefined || info === undefined) return expect.fail(`${key} is absent`);
  const read = await content.bytes();
  expect(info.size).toBe(bytes.byteLength);
  expect(read.byteLength).toBe(bytes.byteLength);
  expect(Buffer.compare(read, bytes), `bytes of ${key}`).toBe(0);
}

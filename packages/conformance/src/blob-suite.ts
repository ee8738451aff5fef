import {
  type Algorithm,
  type BlobSource,
  type Digest,
  digestOf,
  type SourceCapabilities,
} from "@bitstore/core";
import { expect } from "vitest";
import type { BlobDeviation, BlobSourceHarness, SeededBlob } from "./blob-harness.ts";
import { type AddCase, type CasesMin, countedCases } from "./counted-cases.ts";
import { bytesOf, expectSameBytes } from "./expectations.ts";
import { seededBytes } from "./seeded-bytes.ts";

/** The capabilities that are flags. */
export type SourceFlag = {
  [K in keyof SourceCapabilities]: SourceCapabilities[K] extends boolean ? K : never;
}[keyof SourceCapabilities];

/** What the cases share: the open source, fresh blobs, and the count. */
export interface BlobSuite<S extends BlobSource> {
  readonly harness: Omit<BlobSourceHarness, "open" | "reopen" | "seed">;
  readonly source: S;
  readonly deviates: (deviation: BlobDeviation) => boolean;
  /** The algorithm of the cases that are not about algorithms. */
  readonly algorithm: () => Algorithm;
  /** Makes a blob that no other case has; nothing is stored. */
  readonly fresh: (size: number, algorithm?: Algorithm) => Promise<SeededBlob>;
  /** Makes a blob that no other case has, and plants it. */
  readonly planted: (size: number, algorithm?: Algorithm) => Promise<SeededBlob>;
  readonly plant: (blobs: readonly SeededBlob[]) => Promise<void>;
  /** Fails unless the source has the blob, by stat and open. */
  readonly expectThere: (blob: SeededBlob) => Promise<void>;
  /** Fails unless stat and open answer that it is absent. */
  readonly expectAbsent: (digest: Digest) => Promise<void>;
  readonly test: AddCase<SourceFlag>;
  /** Opens another namespace. */
  readonly open: () => Promise<S>;
  /** Opens another handle of the same namespace. */
  readonly reopen: () => Promise<S>;
  readonly start: () => Promise<void>;
  readonly finish: () => Promise<void>;
}

export interface BlobSuiteOptions<S extends BlobSource> {
  readonly harness: Omit<BlobSourceHarness, "open" | "reopen" | "seed">;
  readonly open: () => Promise<S>;
  readonly reopen: () => Promise<S>;
  readonly plant: (source: S, blobs: readonly SeededBlob[]) => Promise<void>;
  readonly casesMin: CasesMin;
}

export function blobSuite<S extends BlobSource>(options: BlobSuiteOptions<S>): BlobSuite<S> {
  const { harness, casesMin } = options;
  const opened: S[] = [];
  let source: S | undefined;
  let seeds = 0;
  const track = async (opening: Promise<S>): Promise<S> => {
    const handle = await opening;
    opened.push(handle);
    return handle;
  };
  const current = (): S => {
    if (source === undefined) throw new Error("the harness has opened nothing");
    return source;
  };
  const algorithm = (): Algorithm => {
    const { algorithms } = current().capabilities;
    return algorithms.includes("sha256") ? "sha256" : (algorithms[0] ?? "sha256");
  };
  const fresh = async (size: number, of: Algorithm = algorithm()): Promise<SeededBlob> => {
    seeds += 1;
    const bytes = seededBytes(size, seeds);
    return { digest: await digestOf(bytes, of), size, bytes };
  };
  const plant = (blobs: readonly SeededBlob[]): Promise<void> => options.plant(current(), blobs);
  const cases = countedCases<SourceFlag>((flag) => current().capabilities[flag]);
  return {
    harness,
    get source() {
      return current();
    },
    deviates: (deviation) => harness.deviations?.includes(deviation) === true,
    algorithm,
    fresh,
    plant,
    planted: async (size, of) => {
      const blob = await fresh(size, of);
      await plant([blob]);
      return blob;
    },
    expectThere: (blob) => expectThere(current(), blob),
    expectAbsent: (digest) => expectAbsent(current(), digest),
    test: cases.test,
    open: () => track(options.open()),
    reopen: () => track(options.reopen()),
    start: async () => {
      source = await track(options.open());
    },
    finish: async () => {
      const expected = source?.capabilities.put === true ? casesMin.all : casesMin.readOnly;
      for (const handle of opened) await handle[Symbol.asyncDispose]();
      await harness.dispose();
      cases.check(expected);
    },
  };
}

async function expectThere(source: BlobSource, blob: SeededBlob): Promise<void> {
  const { digest, size, bytes } = blob;
  if (source.capabilities.stat) expect(await source.stat(digest)).toEqual({ digest, size });
  expectSameBytes(await bytesOf(await source.open(digest)), bytes);
}

async function expectAbsent(source: BlobSource, digest: Digest): Promise<void> {
  if (source.capabilities.stat) expect(await source.stat(digest), digest).toBeUndefined();
  const content = await source.open(digest);
  await content?.[Symbol.asyncDispose]();
  expect(content, digest).toBeUndefined();
}

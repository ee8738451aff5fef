import {
  type Bucket,
  type Clock,
  collect,
  isStoreError,
  type ListOptions,
  type ObjectInfo,
} from "@bitstore/core";
import { type CreateProof, proveCreateIfAbsent } from "@bitstore/tags";
import { type Fence, fenced } from "./fence.ts";

/** What the probes of one bucket share. */
export interface ProbeContext {
  /** The bucket, which refuses every write where none is allowed, or outside the run's prefix. */
  readonly bucket: Bucket;
  /** What has been written through it. */
  readonly fence: Fence;
  readonly mayWrite: boolean;
  /** Whether the sample of throughput is wanted. */
  readonly measure: boolean;
  readonly clock: Clock;
  readonly date: () => Date;
  /** Below it every run has its own prefix. */
  readonly home: string;
  /** Ends in `/`; everything that this run writes is below it. */
  readonly prefix: string;
  /** Makes a key that no other probe uses. */
  readonly freshKey: (name: string) => string;
  /** An existing object that may be read; undefined: one is looked for. */
  readonly knownKey: string | undefined;
  /** Proves create-if-absent, once for all who ask. */
  readonly proof: (signal: AbortSignal) => Promise<CreateProof>;
  /** What earlier probes have found out. */
  readonly found: Findings;
}

/** What one probe leaves for the next. */
export interface Findings {
  /** Why nothing can be asked at all. */
  unreachable: string | undefined;
  /** The driver's word that the bucket is elsewhere. */
  elsewhere: string | undefined;
  /** Why lists are of no use. */
  unlistable: string | undefined;
  /** What is absent is denied to us, as S3 does to those who may not list. */
  deniesAbsent: boolean;
  /** A read of something that is there has succeeded. */
  hasRead: boolean;
  /** An object that the run has written. */
  writtenKey: string | undefined;
  /** Why nothing can be written, though it was allowed. */
  unwritable: string | undefined;
  /** Some objects that were there before the run, in the order of the list. */
  listed: readonly ObjectInfo[];
}

export interface ContextOptions {
  readonly mayWrite: boolean;
  readonly measure: boolean;
  readonly clock: Clock;
  readonly date: () => Date;
  readonly prefix: string;
  readonly nonce: string;
  readonly knownKey: string | undefined;
}

export function probeContext(inner: Bucket, options: ContextOptions): ProbeContext {
  const { clock, nonce } = options;
  const prefix = `${options.prefix}${nonce}/`;
  const fence = fenced(inner, options.mayWrite ? prefix : undefined);
  const { bucket } = fence;
  let keys = 0;
  let proof: Promise<CreateProof> | undefined;
  return {
    ...options,
    bucket,
    fence,
    home: options.prefix,
    prefix,
    freshKey: (name) => {
      keys += 1;
      return `${prefix}${name}-${keys}`;
    },
    proof: (signal) => {
      proof ??= proveCreateIfAbsent(bucket, { prefix, nonce: "create", signal, clock });
      return proof;
    },
    found: {
      unreachable: undefined,
      elsewhere: undefined,
      unlistable: undefined,
      deniesAbsent: false,
      hasRead: false,
      writtenKey: undefined,
      unwritable: undefined,
      listed: [],
    },
  };
}

/** Reads a whole object of the run's; undefined where it is absent, or denied for that. */
export async function readAll(
  { bucket, found }: ProbeContext,
  key: string,
  signal: AbortSignal,
  bytesMax: number = smallBytesMax,
): Promise<Uint8Array | undefined> {
  try {
    const content = await bucket.read(key, { signal });
    return content === undefined ? undefined : await collect(content.body, bytesMax);
  } catch (error) {
    if (found.deniesAbsent && isStoreError(error, "PERMISSION_DENIED")) return undefined;
    throw error;
  }
}

/** Resolves to what is known of an object; undefined where it is absent, or denied for that. */
export async function headOf(
  { bucket, found }: ProbeContext,
  key: string,
  signal: AbortSignal,
): Promise<ObjectInfo | undefined> {
  try {
    return await bucket.head(key, { signal });
  } catch (error) {
    if (found.deniesAbsent && isStoreError(error, "PERMISSION_DENIED")) return undefined;
    throw error;
  }
}

/** Lists at most `itemsMax` objects: a bucket that ignores its limit does not flood the probe. */
export async function listSome(
  { bucket }: ProbeContext,
  prefix: string,
  itemsMax: number,
  options: ListOptions,
): Promise<ObjectInfo[]> {
  const items: ObjectInfo[] = [];
  for await (const item of bucket.list(prefix, options)) {
    items.push(item);
    if (items.length >= itemsMax) break;
  }
  return items;
}

/** Bytes that seem random and are the same each time; `seed` makes them others. */
export function sampleBytes(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

export function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

/** Bytes of the largest object that a probe compares as a whole. */
export const smallBytesMax: number = 2 ** 20;

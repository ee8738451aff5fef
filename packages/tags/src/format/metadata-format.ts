import {
  type Bucket,
  type CallOptions,
  type Clock,
  collect,
  isStoreError,
  orAborted,
  StoreError,
} from "@bitstore/core";
import type { Calls, Request } from "../log/calls.ts";
import { type CreateProof, proveCreateIfAbsent } from "../create-proof.ts";

/** The format of metadata that this release reads and writes. */
export const metadataFormatKnown = 1;

/** Key of the object that says how the metadata is kept; the blobs' own has another. */
export const metadataFormatKey = "v1/_bitstore.json";

/** What the object says. */
export interface MetadataDescription {
  /** Made once and for all: what a store of blobs names its metadata by. */
  readonly id: string;
  readonly minReader: number;
  readonly minWriter: number;
  /** Buckets that create-if-absent was proved on (`placeOf`): a copy of the objects elsewhere is not. */
  readonly proved: readonly string[];
}

/** What the error of a bucket says that must not carry tags, as its `serviceCode`. */
export const createUnprovedCode = "CreateIfAbsentUnproved";

const formatBytesMax = 64 * 1024;
const provedMax = 64;
/** How long what was read is gone by: a later release may have begun to write there. */
const formatTtlMs = 60_000;
/** The proof is some hundred requests, of which a service may slow some down. */
const proofMs = 60_000;
const roundsMax = 8;

/** Says which bucket it is, apart from another with the same name in another service. */
export function placeOf({ service, name }: Pick<Bucket, "service" | "name">): string {
  return `${name} ${service}`;
}

/** Checks that this release may read or write the metadata of a bucket. */
export interface MetadataFormat {
  beforeRead(options: CallOptions): Promise<void>;
  /**
   * Also describes a bucket that was not used before, once it is proved that of several that create
   * one object exactly one succeeds. UNSUPPORTED where it does not.
   */
  beforeWrite(options: CallOptions): Promise<MetadataDescription>;
}

export interface MetadataFormatOptions {
  readonly clock: Clock;
  /** 128 bits in hex, unlike any other. */
  readonly mintNonce: () => string;
  /** Writes without the proof: safe only while never more than one process writes. */
  readonly unsafeSingleWriter: boolean;
}

/** Resolves to what describes a bucket's metadata; undefined where nothing was written yet. */
export async function readMetadataFormat(
  bucket: Bucket,
  options: CallOptions = {},
): Promise<MetadataDescription | undefined> {
  return (await load(bucket, options))?.description;
}

export function metadataFormat(
  bucket: Bucket,
  calls: Calls,
  { clock, mintNonce, unsafeSingleWriter }: MetadataFormatOptions,
): MetadataFormat {
  const request: Request = { operation: "open", subject: metadataFormatKey, signal: undefined };
  let readableUntilMs = Number.NEGATIVE_INFINITY;
  let writing: Promise<MetadataDescription> | undefined;
  let writableUntilMs = Number.NEGATIVE_INFINITY;
  const place = placeOf(bucket);

  async function prove(deadlineMs: number): Promise<readonly string[]> {
    if (unsafeSingleWriter) return [];
    if (!bucket.capabilities.createIfAbsent) {
      throw unproved(bucket.name, "it has no create-if-absent");
    }
    const proof = await calls.retried(
      request,
      deadlineMs,
      // A nonce for each try: requests of the one before may still be under way.
      ({ signal }) => {
        const options = { prefix: "v1/_probe/", nonce: mintNonce(), signal, clock };
        return proveCreateIfAbsent(bucket, options);
      },
      proofMs,
    );
    const failed = failureOf(proof);
    if (failed !== undefined) throw unproved(bucket.name, failed);
    return [place];
  }

  async function ready(): Promise<MetadataDescription> {
    const deadlineMs = calls.deadline() + proofMs;
    for (let round = 0; round < roundsMax; round += 1) {
      const found = await calls.retried(request, deadlineMs, (options) => load(bucket, options));
      if (found !== undefined) {
        check(bucket, found.description.minReader, "read");
        check(bucket, found.description.minWriter, "write");
        const { proved } = found.description;
        if (proved.includes(place) || unsafeSingleWriter) return found.description;
      }
      const added = await prove(deadlineMs);
      const proved = [...(found?.description.proved ?? []), ...added].slice(-provedMax);
      const description: MetadataDescription =
        found === undefined
          ? { id: mintNonce(), minReader: 1, minWriter: 1, proved }
          : { ...found.description, proved };
      if (found !== undefined && !bucket.capabilities.replaceIfMatch) return description;
      const body = new TextEncoder().encode(
        // Members that only a later release knows stay as they are.
        `${JSON.stringify({ layout: "metadata", ...found?.json, ...description })}\n`,
      );
      const condition = found === undefined ? { ifAbsent: true } : { ifVersion: found.version };
      // Whatever comes of it, what stands there is read back: others may have been first.
      await calls
        .retried(request, deadlineMs, (options) =>
          bucket.put(metadataFormatKey, body, { ...options, ...condition, size: body.byteLength }),
        )
        .catch((error: unknown) => {
          if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
        });
    }
    throw new StoreError({
      code: "UNAVAILABLE",
      operation: "open",
      subject: metadataFormatKey,
      source: bucket.name,
      persistence: "exhausted",
      message: "what was written there is not what is read back",
    });
  }

  return {
    async beforeRead(options) {
      if (clock.now() < readableUntilMs) return;
      const found = await calls
        .retried({ ...request, signal: options.signal }, calls.deadline(), (call) =>
          load(bucket, call),
        )
        .catch((error: unknown) => {
          if (isStoreError(error, "PERMISSION_DENIED")) return undefined;
          throw error;
        });
      if (found !== undefined) check(bucket, found.description.minReader, "read");
      readableUntilMs = clock.now() + formatTtlMs;
    },
    async beforeWrite({ signal }) {
      // Shared by all who write at once; a failure is not remembered.
      if (writing === undefined || clock.now() >= writableUntilMs) {
        writableUntilMs = clock.now() + formatTtlMs;
        writing = ready();
      }
      const shared = writing;
      shared.catch(() => {
        if (writing === shared) writing = undefined;
      });
      const description = await orAborted(shared, signal, "open", metadataFormatKey);
      readableUntilMs = Math.max(readableUntilMs, writableUntilMs);
      return description;
    },
  };
}

interface Loaded {
  readonly description: MetadataDescription;
  /** All that the object says. */
  readonly json: object;
  readonly version: string | undefined;
}

async function load(bucket: Bucket, { signal }: CallOptions): Promise<Loaded | undefined> {
  const content = await bucket.read(metadataFormatKey, { signal });
  if (content === undefined) return undefined;
  const { version } = content;
  const bytes = await collect(content.body, formatBytesMax);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw refusal(bucket.name, `its ${metadataFormatKey} is no JSON; restore it`, cause);
  }
  const { metadataSchema } = await import("./metadata-schema.ts");
  const read = metadataSchema.safeParse(json);
  if (!read.success || typeof json !== "object" || json === null) {
    const message = `its ${metadataFormatKey} does not describe the metadata of bitstore; is it the right bucket?`;
    throw refusal(bucket.name, message);
  }
  const { id, minReader, minWriter, proved } = read.data;
  return { description: { id, minReader, minWriter, proved }, json, version };
}

function check(bucket: Bucket, needed: number, use: "read" | "write"): void {
  if (needed <= metadataFormatKnown) return;
  throw refusal(
    bucket.name,
    `its format ${needed} is newer than this release can ${use}; use a later one`,
  );
}

function failureOf({ createTwice, racingCreators }: CreateProof): string | undefined {
  return [createTwice, racingCreators].find(({ holds }) => !holds)?.detail;
}

function unproved(source: string, why: string): StoreError {
  return new StoreError({
    code: "UNSUPPORTED",
    operation: "open",
    source,
    serviceCode: createUnprovedCode,
    message:
      `tags can't be kept here safely, since two writers may both win (${why}); ` +
      "unsafeSingleWriter allows it where never more than one process writes",
  });
}

function refusal(source: string, message: string, cause?: unknown): StoreError {
  return new StoreError({ code: "UNSUPPORTED", operation: "open", source, message, cause });
}

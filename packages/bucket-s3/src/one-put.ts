import { isStoreError, type PutOptions, type PutOutcome } from "@bitstore/core";
import { answerError } from "./answer-error.ts";
import { etagOf } from "./entity-tag.ts";
import type { S3Context } from "./s3-context.ts";

/** One put, with its conditions checked. */
export interface Put {
  readonly key: string;
  readonly options: PutOptions;
  /** The condition, as the SDK takes it. */
  readonly condition: { readonly IfNoneMatch?: "*"; readonly IfMatch?: string };
  readonly contentType: string;
}

export function onePut(context: S3Context, key: string, options: PutOptions): Put {
  return {
    key,
    options,
    condition: conditionOf(context, key, options),
    contentType: options.contentType ?? "application/octet-stream",
  };
}

function conditionOf(context: S3Context, key: string, options: PutOptions): Put["condition"] {
  if (options.ifAbsent === true) return { IfNoneMatch: "*" };
  if (options.ifVersion === undefined) return {};
  const etag = etagOf(options.ifVersion);
  if (etag !== undefined) return { IfMatch: etag };
  const about = { source: context.settings.name, subject: key };
  const message = "ifVersion is no version that this service gives";
  throw answerError("PRECONDITION_FAILED", "put", about, message);
}

/** Runs what makes the object visible, and reads its answer in the light of the condition. */
export async function outcomeOf(
  { settings }: S3Context,
  { key, options }: Put,
  store: () => Promise<void>,
): Promise<PutOutcome> {
  try {
    await store();
    return options.ifAbsent === true ? "created" : "replaced";
  } catch (error) {
    if (!isStoreError(error)) throw error;
    if (options.ifAbsent === true && error.code === "PRECONDITION_FAILED") return "existed";
    // An object that is absent is not at the version that was asked for.
    if (options.ifVersion === undefined || error.serviceCode !== "NoSuchKey") throw error;
    const about = { source: settings.name, subject: key };
    throw answerError("PRECONDITION_FAILED", "put", about, "the object is absent");
  }
}

/**
 * Refuses a body as soon as it is known to be too long: longer than the service's limit, or than
 * what was declared. `bytes` are those so far, `hasMore` whether at least one follows.
 */
export function checkLength(
  { settings }: S3Context,
  { key, options }: Put,
  bytes: number,
  hasMore: boolean,
): void {
  const about = { source: settings.name, subject: key };
  const { objectBytesMax } = settings.capabilities;
  const atLeast = bytes + (hasMore ? 1 : 0);
  if (atLeast > objectBytesMax) {
    throw answerError("TOO_LARGE", "put", about, `an object has at most ${objectBytesMax} bytes`);
  }
  if (options.size !== undefined && atLeast > options.size) {
    const message = `the body has more than the ${options.size} bytes that were declared`;
    throw answerError("INVALID_ARGUMENT", "put", about, message);
  }
}

/** Refuses to believe in an object that got no entity tag: whoever answered is no S3 service. */
export function checkStored({ settings }: S3Context, { key }: Put, etag: string | undefined): void {
  if (etag !== undefined) return;
  const about = { source: settings.name, subject: key };
  const message = "the answer has no entity tag; check that the endpoint is an S3 service";
  throw answerError("UNAVAILABLE", "put", about, message);
}

import type { BlobGetPropertiesResponse, ContainerClient } from "@azure/storage-blob";
import { isStoreError, type PutOutcome, StoreError } from "@bitstore/core";
import { headOf } from "./head-of.ts";
import { putMark } from "./object-info.ts";
import type { Dated, Service } from "./service.ts";
import type { Settings } from "./settings.ts";
import { causeCode } from "./to-store-error.ts";
import { wasNeverSent } from "./transport-failures.ts";
import type { Upload } from "./upload.ts";
import { versionOf } from "./versions.ts";

/**
 * Makes the one request that lets an object be seen, and finds out what came of it where the
 * answer got lost: the mark of the object says whether it is this upload's. Where that can't be
 * told the failure is rethrown, so that a retry finds the key taken or puts once more; of a
 * replace, which a retry can't settle, it is INDETERMINATE.
 */
export async function settlePut(
  service: Service,
  settings: Settings,
  upload: Upload,
  request: (container: ContainerClient) => Promise<Dated>,
): Promise<PutOutcome> {
  const { key, options } = upload;
  const { signal } = options;
  try {
    await service.call({ operation: "put", subject: key, signal, request });
    return done(upload);
  } catch (error) {
    if (options.ifAbsent === true && showsThatKeyIsTaken(error)) return "existed";
    if (!isStoreError(error, "UNAVAILABLE") || !mayHaveHappened(error)) throw error;
    return afterLostAnswer(service, settings, upload, error);
  }
}

async function afterLostAnswer(
  service: Service,
  settings: Settings,
  upload: Upload,
  failure: StoreError,
): Promise<PutOutcome> {
  const { ifAbsent, ifVersion, signal } = upload.options;
  let found: BlobGetPropertiesResponse | undefined;
  try {
    found = await headOf(service, settings, "put", upload.key, signal);
  } catch (error) {
    if (isStoreError(error, "ABORTED")) throw error;
    throw ifVersion === undefined ? failure : indeterminate(service, upload, failure);
  }
  if (found?.metadata?.[putMark]?.endsWith(upload.uploadId) === true) return done(upload);
  if (ifAbsent === true && found !== undefined) return "existed";
  if (ifVersion === undefined || versionOf(found?.etag) === ifVersion) throw failure;
  // Another upload of the key came first and took the blocks of this one away.
  if (causeCode(failure) === "InvalidBlockList") throw overtaken(service, upload, failure);
  // Either this replace was not made, or somebody has replaced what it put.
  throw indeterminate(service, upload, failure);
}

function done({ options }: Upload): PutOutcome {
  return options.ifAbsent === true ? "created" : "replaced";
}

/** Tells whether a create failed because the key is taken, whatever the service calls that. */
function showsThatKeyIsTaken(error: unknown): boolean {
  return isStoreError(error, "PRECONDITION_FAILED") || isStoreError(error, "ARCHIVED");
}

/** Permanent failures and those of connecting show that the service has done nothing. */
function mayHaveHappened(failure: StoreError): boolean {
  return failure.persistence === "transient" && !wasNeverSent(causeCode(failure));
}

function overtaken(service: Service, { key }: Upload, cause: StoreError): StoreError {
  return new StoreError({
    code: "PRECONDITION_FAILED",
    operation: "put",
    subject: key,
    source: service.name,
    message: "the object is not at the version asked for",
    cause,
  });
}

function indeterminate(service: Service, { key }: Upload, cause: StoreError): StoreError {
  return new StoreError({
    code: "INDETERMINATE",
    operation: "put",
    subject: key,
    source: service.name,
    message: `the answer got lost and the object does not tell: read it (${cause.detail})`,
    cause,
  });
}

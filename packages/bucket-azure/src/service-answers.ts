import type { ErrorCode, Persistence } from "@bitstore/core";

/** What is made of one answer of the service. */
export interface Verdict {
  readonly code: ErrorCode;
  /** What is wrong and what to do, in one clause. */
  readonly message: string;
  /** Where it differs from what the code says. */
  readonly persistence?: Persistence;
}

const row = (code: ErrorCode, message: string, persistence?: Persistence): Verdict =>
  persistence === undefined ? { code, message } : { code, message, persistence };

const notThere = row("NOT_FOUND", "the object does not exist");
const noContainer = row("UNAVAILABLE", "the container does not exist: create it", "permanent");
const notKnown = row(
  "UNAUTHENTICATED",
  "the credentials are refused: check the key, the SAS or its expiry, and this machine's clock",
);
const noCredentials = row(
  "UNAUTHENTICATED",
  "the service wants credentials: give some, or make the container public",
);
const denied = row(
  "PERMISSION_DENIED",
  "the credentials are known but not allowed this: grant a role, or check the network rules",
);
const leased = row("PRECONDITION_FAILED", "the object is leased by someone: release the lease");
const otherVersion = row("PRECONDITION_FAILED", "the object is not at the version asked for");
const archived = row("ARCHIVED", "the object is in the archive tier: rehydrate it first");
const immutable = row("PERMISSION_DENIED", "the object is immutable by a policy or a legal hold");
const keyWanted = row(
  "PERMISSION_DENIED",
  "the object is encrypted with another customer key or scope: give that one",
);
const badName = row("INVALID_ARGUMENT", "the service does not take this key");
const badRequest = row("INTERNAL", "the service does not understand the request");
const failing = row("UNAVAILABLE", "the service failed to answer: try again");
const unsupported = row("UNSUPPORTED", "the service or account does not do this");

/** By the service's own code: "Blob Storage error codes" in the documentation of the REST API. */
export const verdictByServiceCode: Readonly<Record<string, Verdict>> = {
  BlobNotFound: notThere,
  ContainerNotFound: noContainer,
  ContainerBeingDeleted: row("UNAVAILABLE", "the container is being deleted"),
  ContainerDisabled: row("UNAVAILABLE", "the container is disabled"),
  // Said of a private container to whom may not know of it, so it is no miss.
  ResourceNotFound: row("PERMISSION_DENIED", "there is no such container, or it is not public"),

  AuthenticationFailed: notKnown,
  InvalidAuthenticationInfo: notKnown,
  NoAuthenticationInformation: noCredentials,
  PublicAccessNotPermitted: noCredentials,
  AuthorizationFailure: denied,
  AuthorizationPermissionMismatch: denied,
  AuthorizationProtocolMismatch: denied,
  AuthorizationResourceTypeMismatch: denied,
  AuthorizationServiceMismatch: denied,
  AuthorizationSourceIPMismatch: denied,
  InsufficientAccountPermissions: denied,
  AccountIsDisabled: row("PERMISSION_DENIED", "the storage account is disabled"),

  BlobAlreadyExists: row("PRECONDITION_FAILED", "the key is taken"),
  ConditionNotMet: otherVersion,
  TargetConditionNotMet: otherVersion,
  LeaseIdMissing: leased,
  LeaseLost: leased,
  LeaseAlreadyPresent: leased,
  LeaseIdMismatchWithBlobOperation: leased,
  LeaseNotPresentWithBlobOperation: leased,

  BlobArchived: archived,
  BlobBeingRehydrated: archived,
  BlobImmutableDueToPolicy: immutable,
  BlobImmutableDueToLegalHold: immutable,
  BlobUsesCustomerSpecifiedEncryption: keyWanted,
  BlobDoesNotUseCustomerSpecifiedEncryption: keyWanted,
  BlobCustomerSpecifiedEncryptionMismatch: keyWanted,
  BlobOverwriteNotAllowed: immutable,

  InvalidRange: row("RANGE_NOT_SATISFIABLE", "the range starts at or past the end"),
  InvalidResourceName: badName,
  InvalidUri: badName,
  OutOfRangeInput: badName,
  InvalidBlobType: row("UNSUPPORTED", "the object is a page or append blob: use another key"),
  RequestBodyTooLarge: row("TOO_LARGE", "the service takes no request of this size"),
  BlockCountExceedsLimit: row("TOO_LARGE", "the object would have more than 50,000 blocks"),
  BlobTooLarge: row("TOO_LARGE", "the service takes no object of this size"),

  // Blocks that wait for their commit are dropped when another upload of the key commits first.
  InvalidBlockList: row("UNAVAILABLE", "another upload of this key finished meanwhile: try again"),
  InvalidBlobOrBlock: row(
    "UNAVAILABLE",
    "blocks of another program's unfinished upload are in the way: they expire within a week",
    "permanent",
  ),

  ServerBusy: row("RATE_LIMITED", "the service asks for fewer requests"),
  OperationTimedOut: failing,
  InternalError: failing,
  InvalidHeaderValue: row("UNSUPPORTED", "the service does not know a header, or its version"),
  FeatureVersionMismatch: unsupported,
  UnsupportedHttpVerb: unsupported,
  UnsupportedHeader: unsupported,
  NotImplemented: unsupported,
};

/** By status, where the code is missing or not known. */
export function verdictByStatus(status: number): Verdict {
  if (status === 401) return noCredentials;
  if (status === 403) return denied;
  if (status === 404) {
    // Every absence comes with a code, so this answer is from something else on the way.
    return row("UNAVAILABLE", "404 without Azure's code: check the endpoint", "permanent");
  }
  if (status === 405 || status === 501) return unsupported;
  if (status === 412) return otherVersion;
  if (status === 413) return row("TOO_LARGE", "the service takes no request of this size");
  if (status === 416) return row("RANGE_NOT_SATISFIABLE", "the range starts at or past the end");
  if (status === 429) return row("RATE_LIMITED", "the service asks for fewer requests");
  if (status === 408 || status === 409 || status >= 500) return failing;
  if (status >= 300 && status < 400) {
    return row("UNAVAILABLE", "the answer is a redirect: check the endpoint", "permanent");
  }
  return status >= 400 ? badRequest : row("UNAVAILABLE", "the answer makes no sense");
}

import type { ErrorCode, Persistence } from "@bitstore/core";
import type { ServiceFailure } from "./service-failure.ts";

/** What a failure of the service or the connection means to us. */
export interface FailureMeaning {
  readonly code: ErrorCode;
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** Where it differs from what the code says. */
  readonly persistence?: Persistence | undefined;
}

const credentials: FailureMeaning = {
  code: "UNAUTHENTICATED",
  hint: "check the credentials, and renew them if they have expired",
};
const denied: FailureMeaning = {
  code: "PERMISSION_DENIED",
  hint: "grant these credentials access",
};
const region: FailureMeaning = {
  code: "CONFIG_INVALID",
  hint: "the bucket is in another region or behind another endpoint: set region or endpoint",
};
const busy: FailureMeaning = { code: "RATE_LIMITED", hint: "ask less often" };
const again: FailureMeaning = { code: "UNAVAILABLE" };
const late: FailureMeaning = { code: "TIMEOUT" };
const unreachable: FailureMeaning = {
  code: "UNAVAILABLE",
  hint: "check that the endpoint is right and reachable, and the proxy settings",
};

/** What we make of the codes of S3, of its clones, and of the system, several codes a row. */
const rows: readonly (readonly [FailureMeaning, string])[] = [
  [{ code: "NOT_FOUND" }, "NoSuchKey"],
  [
    {
      code: "UNAVAILABLE",
      persistence: "permanent",
      hint: "create the bucket, or correct its name or the endpoint",
    },
    "NoSuchBucket",
  ],
  [denied, "AccessDenied AllAccessDisabled AccountProblem UnauthorizedAccess"],
  [credentials, "InvalidAccessKeyId SignatureDoesNotMatch ExpiredToken ExpiredTokenException"],
  [credentials, "InvalidToken InvalidTokenId TokenRefreshRequired RequestExpired NotSignedUp"],
  [credentials, "InvalidSecurity InvalidClientTokenId UnrecognizedClientException AuthFailure"],
  [credentials, "MissingAuthenticationToken Unauthorized CredentialsUnavailable"],
  // versitygw answers 404 to a key id that it does not know.
  [credentials, "XAdminUserNotFound XMinioAdminNoSuchUser"],
  [busy, "SlowDown SlowDownRead SlowDownWrite Throttling ThrottlingException"],
  [busy, "TooManyRequests TooManyRequestsException RequestLimitExceeded RequestThrottled"],
  [busy, "RequestThrottledException BandwidthLimitExceeded EC2ThrottledException"],
  // A conflict with another write in progress says nothing about who wins.
  [again, "ConditionalRequestConflict OperationAborted InternalError ServiceUnavailable"],
  [again, "NoSuchUpload InvalidPart InvalidPartOrder TemporaryRedirect"],
  [again, "IncompleteBody BadDigest InvalidDigest XAmzContentSHA256Mismatch"],
  [again, "ECONNRESET EPIPE ECONNABORTED ERR_STREAM_PREMATURE_CLOSE"],
  [
    { code: "UNAVAILABLE", hint: "set this machine's clock; the next request allows for it" },
    "RequestTimeTooSkewed RequestInTheFuture",
  ],
  [late, "RequestTimeout RequestTimeoutException XMinioServerTimedOut"],
  [late, "ETIMEDOUT ESOCKETTIMEDOUT TimeoutError"],
  [{ code: "ARCHIVED", hint: "restore the object first" }, "InvalidObjectState"],
  [{ code: "PRECONDITION_FAILED" }, "PreconditionFailed"],
  [{ code: "RANGE_NOT_SATISFIABLE" }, "InvalidRange"],
  [{ code: "TOO_LARGE" }, "EntityTooLarge MaxMessageLengthExceeded"],
  [{ code: "UNSUPPORTED" }, "NotImplemented MethodNotAllowed UnsupportedOperation"],
  [region, "PermanentRedirect Redirect AuthorizationHeaderMalformed IncorrectEndpoint"],
  [region, "IllegalLocationConstraintException"],
  [{ code: "CONFIG_INVALID", hint: "raise partBytes" }, "EntityTooSmall"],
  [{ code: "CONFIG_INVALID", hint: "correct the bucket's name" }, "InvalidBucketName"],
  [{ code: "CONFIG_INVALID", hint: "correct storageClass" }, "InvalidStorageClass"],
  [
    { code: "INVALID_ARGUMENT", hint: "this service can't hold the key" },
    "KeyTooLongError InvalidURI XMinioInvalidObjectName XMinioInvalidResourceName " +
      "XMinioParentIsObject XMinioObjectExistsAsDirectory DirectoryObjectContainsData " +
      "ObjectParentIsFile ExistingObjectIsDirectory",
  ],
  [unreachable, "ECONNREFUSED ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH EPROTO"],
  [unreachable, "ERR_PROXY_TUNNEL ERR_PROXY_INVALID_CONFIG"],
  [{ code: "ABORTED" }, "AbortError ABORT_ERR"],
  [
    {
      code: "UNAVAILABLE",
      persistence: "permanent",
      hint: "name the service's CA in AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS",
    },
    "DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE " +
      "UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_GET_ISSUER_CERT ERR_TLS_CERT_ALTNAME_INVALID " +
      "CERT_HAS_EXPIRED",
  ],
];

const byCode: ReadonlyMap<string, FailureMeaning> = new Map(
  rows.flatMap(([meaning, codes]) => codes.split(" ").map((code) => [code, meaning] as const)),
);

/** Where the code says nothing, or there is none. */
const byStatus: ReadonlyMap<number, FailureMeaning> = new Map<number, FailureMeaning>([
  [301, region],
  [307, again],
  [400, { code: "INVALID_ARGUMENT" }],
  [401, credentials],
  [403, denied],
  [404, { code: "NOT_FOUND" }],
  [405, { code: "UNSUPPORTED" }],
  [407, { code: "CONFIG_INVALID", hint: "the proxy wants credentials: put them into its URL" }],
  [408, late],
  [409, again],
  [411, { code: "UNSUPPORTED" }],
  [412, { code: "PRECONDITION_FAILED" }],
  [413, { code: "TOO_LARGE" }],
  [416, { code: "RANGE_NOT_SATISFIABLE" }],
  [429, busy],
  [501, { code: "UNSUPPORTED" }],
  [504, late],
]);

/** Tells what a failure means. What nobody knows is INTERNAL, with the failure as its cause. */
export function meaningOf(failure: ServiceFailure): FailureMeaning {
  const { code, status } = failure;
  const known = code === undefined ? undefined : byCode.get(code);
  if (known !== undefined) return known;
  if (code?.startsWith("KMS.") === true) {
    return { code: "CONFIG_INVALID", hint: "check the encryption key and who may use it" };
  }
  // HPE_ are the HTTP parser's complaints, ERR_SSL_ those of TLS.
  if (/^(HPE_|ERR_SSL_)/.test(code ?? "")) return unreachable;
  if (status === undefined) return { code: "INTERNAL" };
  // Only an answer without a code may be a plain miss: a code that nobody knows is no "not here".
  if (status === 404 && code !== undefined) return again;
  const general = byStatus.get(status);
  if (general !== undefined) return general;
  if (status >= 500) return again;
  if (status >= 400) return { code: "INVALID_ARGUMENT" };
  // A success or a redirect that could not be understood.
  return { code: "UNAVAILABLE", hint: "check that the endpoint is an S3 service" };
}

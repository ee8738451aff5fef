import type { ErrorCode, Persistence } from "@bitstore/core";

/** An answer as a service gave it, and what it must become. */
export interface RecordedAnswer {
  /** Who answered so. */
  readonly by: "AWS" | "MinIO" | "versitygw" | "Ceph" | "a proxy";
  readonly method?: "HEAD" | "PUT";
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly code: ErrorCode;
  readonly serviceCode: string | undefined;
  readonly persistence?: Persistence;
  readonly retryAfterMs?: number;
  /** What the message must say. */
  readonly says?: string;
}

/** Writes an error as AWS does; further elements are those that AWS adds to this code. */
function aws(code: string, message: string, more = ""): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<Error><Code>${code}</Code><Message>${message}</Message>${more}` +
    "<RequestId>4442587FB7D0A2F9</RequestId><HostId>vlR7PnpV2Ce81l0PRw6jlUpc</HostId></Error>"
  );
}

/** Secrets, or what helps to guess them: they are in the answers below, and may be nowhere else. */
export const secrets: readonly string[] = [
  "AKIAIOSFODNN7EXAMPLE",
  "AQoEXAMPLEH4aoAH0gNCAPy",
  "AWS4-HMAC-SHA256\n20261121T000000Z",
  "3f7a1c",
];

export const recordedAnswers: readonly RecordedAnswer[] = [
  {
    by: "AWS",
    status: 404,
    body: aws("NoSuchKey", "The specified key does not exist.", "<Key>k</Key>"),
    code: "NOT_FOUND",
    serviceCode: "NoSuchKey",
  },
  { by: "MinIO", method: "HEAD", status: 404, code: "NOT_FOUND", serviceCode: undefined },
  {
    by: "AWS",
    status: 404,
    body: aws("NoSuchBucket", "The specified bucket does not exist"),
    code: "UNAVAILABLE",
    serviceCode: "NoSuchBucket",
    persistence: "permanent",
    says: "create the bucket",
  },
  {
    by: "versitygw",
    status: 404,
    body: aws("XAdminUserNotFound", "No user exists with the provided access key ID."),
    code: "UNAUTHENTICATED",
    serviceCode: "XAdminUserNotFound",
  },
  {
    by: "AWS",
    status: 403,
    body: aws("AccessDenied", "Access Denied"),
    code: "PERMISSION_DENIED",
    serviceCode: "AccessDenied",
    says: "AccessDenied (403): Access Denied; grant these credentials access",
  },
  {
    by: "AWS",
    method: "HEAD",
    status: 403,
    code: "PERMISSION_DENIED",
    serviceCode: undefined,
    says: "no error code (403)",
  },
  {
    by: "AWS",
    status: 403,
    body: aws(
      "InvalidAccessKeyId",
      "The AWS Access Key Id you provided does not exist in our records.",
      "<AWSAccessKeyId>AKIAIOSFODNN7EXAMPLE</AWSAccessKeyId>",
    ),
    code: "UNAUTHENTICATED",
    serviceCode: "InvalidAccessKeyId",
    says: "check the credentials",
  },
  {
    by: "AWS",
    status: 403,
    body: aws(
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided.",
      "<AWSAccessKeyId>AKIAIOSFODNN7EXAMPLE</AWSAccessKeyId>" +
        "<StringToSign>AWS4-HMAC-SHA256\n20261121T000000Z</StringToSign>" +
        "<SignatureProvided>3f7a1c</SignatureProvided>",
    ),
    code: "UNAUTHENTICATED",
    serviceCode: "SignatureDoesNotMatch",
  },
  {
    by: "AWS",
    status: 400,
    body: aws(
      "ExpiredToken",
      "The provided token has expired.",
      "<Token-0>AQoEXAMPLEH4aoAH0gNCAPy</Token-0>",
    ),
    code: "UNAUTHENTICATED",
    serviceCode: "ExpiredToken",
    says: "renew them if they have expired",
  },
  {
    by: "MinIO",
    status: 403,
    body: aws("InvalidTokenId", "The security token included in the request is invalid"),
    code: "UNAUTHENTICATED",
    serviceCode: "InvalidTokenId",
  },
  {
    by: "versitygw",
    status: 400,
    body: aws("InvalidToken", "The provided token is malformed or otherwise invalid."),
    code: "UNAUTHENTICATED",
    serviceCode: "InvalidToken",
  },
  {
    by: "AWS",
    status: 503,
    headers: { "retry-after": "3" },
    body: aws("SlowDown", "Please reduce your request rate."),
    code: "RATE_LIMITED",
    serviceCode: "SlowDown",
    persistence: "transient",
    retryAfterMs: 3000,
  },
  {
    by: "a proxy",
    status: 503,
    headers: {
      date: "Sat, 21 Nov 2026 11:00:00 GMT",
      "retry-after": "Sat, 21 Nov 2026 11:00:30 GMT",
    },
    code: "UNAVAILABLE",
    serviceCode: undefined,
    persistence: "transient",
    retryAfterMs: 30_000,
  },
  {
    by: "Ceph",
    status: 429,
    headers: { "retry-after": "soon" },
    code: "RATE_LIMITED",
    serviceCode: undefined,
  },
  {
    by: "AWS",
    status: 400,
    body: aws("ThrottlingException", "Rate exceeded"),
    code: "RATE_LIMITED",
    serviceCode: "ThrottlingException",
  },
  {
    by: "AWS",
    status: 500,
    body: aws("InternalError", "We encountered an internal error. Please try again."),
    code: "UNAVAILABLE",
    serviceCode: "InternalError",
    persistence: "transient",
  },
  {
    by: "MinIO",
    status: 503,
    body: aws("XMinioServerNotInitialized", "Server not initialized yet, please try again."),
    code: "UNAVAILABLE",
    serviceCode: "XMinioServerNotInitialized",
    persistence: "transient",
  },
  {
    by: "MinIO",
    status: 507,
    body: aws("XMinioStorageFull", "Storage backend has reached its minimum free drive threshold."),
    code: "UNAVAILABLE",
    serviceCode: "XMinioStorageFull",
  },
  {
    by: "AWS",
    status: 400,
    body: aws("RequestTimeout", "Your socket connection to the server was not read from."),
    code: "TIMEOUT",
    serviceCode: "RequestTimeout",
    persistence: "transient",
  },
  { by: "a proxy", status: 504, body: "<html>504</html>", code: "TIMEOUT", serviceCode: undefined },
  {
    by: "AWS",
    status: 403,
    body: aws(
      "RequestTimeTooSkewed",
      "The difference between the request time and the current time is too large.",
      "<ServerTime>2026-11-21T11:00:00Z</ServerTime>",
    ),
    code: "UNAVAILABLE",
    serviceCode: "RequestTimeTooSkewed",
    persistence: "transient",
    says: "set this machine's clock",
  },
  {
    by: "AWS",
    status: 403,
    body: aws(
      "InvalidObjectState",
      "The operation is not valid for the object's storage class",
      "<StorageClass>DEEP_ARCHIVE</StorageClass>",
    ),
    code: "ARCHIVED",
    serviceCode: "InvalidObjectState",
    says: "restore the object first",
  },
  {
    by: "AWS",
    method: "PUT",
    status: 409,
    body: aws("ConditionalRequestConflict", "The conditional request cannot succeed."),
    code: "UNAVAILABLE",
    serviceCode: "ConditionalRequestConflict",
    persistence: "transient",
  },
  {
    by: "AWS",
    method: "PUT",
    status: 409,
    body: aws("OperationAborted", "A conflicting conditional operation is in progress."),
    code: "UNAVAILABLE",
    serviceCode: "OperationAborted",
    persistence: "transient",
  },
  {
    by: "MinIO",
    status: 412,
    body: aws("PreconditionFailed", "At least one of the pre-conditions did not hold"),
    code: "PRECONDITION_FAILED",
    serviceCode: "PreconditionFailed",
  },
  {
    by: "MinIO",
    status: 416,
    body: aws("InvalidRange", "The requested range 'bytes=5-9' is not satisfiable"),
    code: "RANGE_NOT_SATISFIABLE",
    serviceCode: "InvalidRange",
  },
  {
    by: "AWS",
    method: "PUT",
    status: 400,
    body: aws("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size."),
    code: "TOO_LARGE",
    serviceCode: "EntityTooLarge",
  },
  { by: "a proxy", method: "PUT", status: 413, code: "TOO_LARGE", serviceCode: undefined },
  {
    by: "AWS",
    method: "PUT",
    status: 400,
    body: aws("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"),
    code: "CONFIG_INVALID",
    serviceCode: "EntityTooSmall",
    says: "raise partBytes",
  },
  {
    by: "AWS",
    status: 301,
    headers: { "x-amz-bucket-region": "eu-central-1" },
    body: aws("PermanentRedirect", "The bucket must be addressed using the specified endpoint."),
    code: "CONFIG_INVALID",
    serviceCode: "PermanentRedirect",
    says: "the bucket is in region eu-central-1 (x-amz-bucket-region): set region=eu-central-1",
  },
  {
    by: "AWS",
    method: "HEAD",
    status: 301,
    headers: { "x-amz-bucket-region": "eu-central-1" },
    code: "CONFIG_INVALID",
    serviceCode: undefined,
    says: "set region=eu-central-1",
  },
  {
    by: "AWS",
    status: 400,
    body: aws(
      "AuthorizationHeaderMalformed",
      "The authorization header is malformed; the region 'us-east-1' is wrong",
      "<Region>eu-west-3</Region>",
    ),
    code: "CONFIG_INVALID",
    serviceCode: "AuthorizationHeaderMalformed",
    says: "set region=eu-west-3",
  },
  {
    by: "AWS",
    status: 307,
    headers: { location: "https://b.s3.eu-west-1.amazonaws.com/k" },
    body: aws("TemporaryRedirect", "Please re-send this request to the specified endpoint."),
    code: "UNAVAILABLE",
    serviceCode: "TemporaryRedirect",
  },
  {
    by: "AWS",
    status: 400,
    body: aws("KMS.DisabledException", "arn:aws:kms:… is disabled."),
    code: "CONFIG_INVALID",
    serviceCode: "KMS.DisabledException",
    says: "check the encryption key",
  },
  {
    by: "MinIO",
    method: "PUT",
    status: 400,
    body: aws("InvalidStorageClass", "Invalid storage class."),
    code: "CONFIG_INVALID",
    serviceCode: "InvalidStorageClass",
    says: "correct storageClass",
  },
  {
    by: "MinIO",
    status: 400,
    body: aws("XMinioInvalidObjectName", "Object name contains unsupported characters."),
    code: "INVALID_ARGUMENT",
    serviceCode: "XMinioInvalidObjectName",
    says: "this service can't hold the key",
  },
  {
    by: "versitygw",
    method: "PUT",
    status: 400,
    body: aws("DirectoryObjectContainsData", "Directory object contains data payload."),
    code: "INVALID_ARGUMENT",
    serviceCode: "DirectoryObjectContainsData",
  },
  {
    by: "AWS",
    method: "PUT",
    status: 400,
    body: aws("XAmzContentSHA256Mismatch", "The provided header does not match what was computed."),
    code: "UNAVAILABLE",
    serviceCode: "XAmzContentSHA256Mismatch",
    persistence: "transient",
  },
  {
    by: "MinIO",
    method: "PUT",
    status: 501,
    body: aws("NotImplemented", "Server side encryption specified but KMS is not configured"),
    code: "UNSUPPORTED",
    serviceCode: "NotImplemented",
  },
  {
    by: "a proxy",
    status: 407,
    body: "<html>proxy authentication required</html>",
    code: "CONFIG_INVALID",
    serviceCode: undefined,
    says: "the proxy wants credentials",
  },
  {
    by: "AWS",
    status: 400,
    body: aws("SomethingNew", "Nobody knows."),
    code: "INVALID_ARGUMENT",
    serviceCode: "SomethingNew",
  },
];

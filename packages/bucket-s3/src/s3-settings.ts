import {
  type BucketCapabilities,
  type Clock,
  type ErrorCode,
  StoreError,
  systemClock,
} from "@bitstore/core";
import type { ServerSideEncryption, StorageClass } from "@aws-sdk/client-s3";
import type { S3BucketOptions, S3Credentials, S3Environment } from "./s3-bucket-options.ts";

const mebibyte = 1024 * 1024;

/** S3's own limits: bytes of a part but the last, of any part, and parts of an object. */
export const partLimits: {
  readonly bytesMin: number;
  readonly bytesMax: number;
  readonly countMax: number;
} = { bytesMin: 5 * mebibyte, bytesMax: 5 * 1024 * mebibyte, countMax: 10_000 };

/** The options, checked, with their defaults. */
export interface S3Settings {
  readonly name: string;
  readonly bucket: string;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly profile: string | undefined;
  readonly pathStyle: boolean;
  readonly credentials: readonly S3Credentials[];
  readonly partBytes: number;
  readonly partsInFlightMax: number;
  readonly partAttemptsMax: number;
  readonly listPageSize: number;
  readonly connectionsMax: number;
  readonly connectMs: number;
  readonly idleMs: number;
  readonly bucketSeenMs: number;
  readonly abortWaitMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly environment: S3Environment;
  readonly requestHandler: S3BucketOptions["requestHandler"];
  readonly capabilities: BucketCapabilities;
  /** Whether an entity tag of 32 hex digits can be the MD5 of the bytes at all. */
  readonly etagsAreMd5: boolean;
  /** What goes with every request about an object. */
  readonly inputs: S3Inputs;
}

/** The parts of the SDK's inputs that depend on the options alone. */
export interface S3Inputs {
  readonly bucket: { readonly Bucket: string; readonly RequestPayer?: "requester" };
  readonly customerKey: {
    readonly SSECustomerAlgorithm?: "AES256";
    readonly SSECustomerKey?: string;
  };
  readonly storing: {
    readonly ServerSideEncryption?: ServerSideEncryption;
    readonly SSEKMSKeyId?: string;
    readonly StorageClass?: StorageClass;
  };
}

/** Checks the options; rejects with CONFIG_INVALID what could not work later. */
export function resolveSettings(options: S3BucketOptions): S3Settings {
  const environment = options.environment ?? process.env;
  const name = `s3://${options.bucket}`;
  if (!/^[^\s/?#]+$/.test(options.bucket) && !options.bucket.startsWith("arn:")) {
    throw invalid(name, "the bucket's name is empty or has a character that no name has");
  }
  const endpoint = checkEndpoint(options.endpoint ?? ambientEndpoint(environment), name);
  const number = numbers(name);
  // Directory buckets list in no order, and their entity tags are no digests.
  const isDirectoryBucket = options.bucket.endsWith("--x-s3");
  return {
    name,
    bucket: options.bucket,
    endpoint,
    region: options.region,
    profile: options.profile,
    pathStyle: options.pathStyle ?? endpoint !== undefined,
    credentials: checkCredentials(options, name),
    partBytes: number("partBytes", options.partBytes ?? 8 * mebibyte, {
      min: partLimits.bytesMin,
      max: partLimits.bytesMax,
    }),
    partsInFlightMax: number("partsInFlightMax", options.partsInFlightMax ?? 4, { min: 1 }),
    partAttemptsMax: number("partAttemptsMax", options.partAttemptsMax ?? 4, { min: 1 }),
    listPageSize: number("listPageSize", options.listPageSize ?? 1000, { min: 1, max: 1000 }),
    connectionsMax: number("connectionsMax", options.connectionsMax ?? 64, { min: 1 }),
    connectMs: number("connectMs", options.connectMs ?? 10_000, { min: 1 }),
    idleMs: number("idleMs", options.idleMs ?? 60_000, { min: 1 }),
    bucketSeenMs: number("bucketSeenMs", options.bucketSeenMs ?? 10_000, { min: 0 }),
    abortWaitMs: number("abortWaitMs", options.abortWaitMs ?? 2_000, { min: 0 }),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    environment,
    requestHandler: options.requestHandler,
    capabilities: { ...capabilities, list: !isDirectoryBucket },
    etagsAreMd5: !isDirectoryBucket,
    inputs: inputsOf(options, name),
  };
}

const capabilities: BucketCapabilities = {
  write: true,
  delete: true,
  list: true,
  rangeRead: true,
  createIfAbsent: true,
  replaceIfMatch: true,
  // What every release of S3 and its clones takes; AWS raised its own limit since.
  objectBytesMax: 5 * 1024 ** 4,
  keyBytesMax: 1024,
};

function inputsOf(options: S3BucketOptions, name: string): S3Inputs {
  const { sseCustomerKey: key, serverSideEncryption, sseKmsKeyId, storageClass } = options;
  if (key !== undefined && key.byteLength !== 32) {
    throw invalid(name, `sseCustomerKey has ${key.byteLength} bytes, and must have 32`);
  }
  if (key !== undefined && serverSideEncryption !== undefined) {
    throw invalid(name, "sseCustomerKey and serverSideEncryption exclude each other");
  }
  return {
    bucket: {
      Bucket: options.bucket,
      ...(options.requesterPays === true ? { RequestPayer: "requester" } : {}),
    },
    customerKey:
      key === undefined
        ? {}
        : {
            SSECustomerAlgorithm: "AES256",
            SSECustomerKey: Buffer.from(key).toString("base64"),
          },
    storing: {
      ...(serverSideEncryption === undefined ? {} : { ServerSideEncryption: serverSideEncryption }),
      ...(sseKmsKeyId === undefined ? {} : { SSEKMSKeyId: sseKmsKeyId }),
      // The SDK's type lists the classes of its day; a service may know others.
      ...(storageClass === undefined ? {} : { StorageClass: storageClass as StorageClass }),
    },
  };
}

/** The SDK reads these too, but then nobody knows that path style is wanted. */
function ambientEndpoint(environment: S3Environment): string | undefined {
  if (environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.toLowerCase() === "true")
    return undefined;
  const url = environment["AWS_ENDPOINT_URL_S3"] ?? environment["AWS_ENDPOINT_URL"];
  return url === "" ? undefined : url;
}

function checkEndpoint(endpoint: string | undefined, name: string): string | undefined {
  if (endpoint === undefined) return undefined;
  const url = URL.parse(endpoint);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw invalid(name, "the endpoint is no http or https URL");
  }
  if (url.username !== "" || url.password !== "") {
    throw invalid(name, "the endpoint has user info; give keys as credentials instead");
  }
  if (url.search !== "" || url.hash !== "") throw invalid(name, "the endpoint has a query");
  return endpoint;
}

function checkCredentials(options: S3BucketOptions, name: string): readonly S3Credentials[] {
  const { anonymous, profile, credentials } = options;
  const given = [anonymous === true, profile !== undefined, credentials !== undefined];
  if (given.filter(Boolean).length > 1) {
    throw invalid(name, "anonymous, profile and credentials exclude each other: list them all");
  }
  if (credentials?.length === 0) throw invalid(name, "the list of credentials is empty");
  if (anonymous === true) return ["anonymous"];
  if (profile !== undefined) return [{ profile }];
  return credentials ?? ["default"];
}

type NumberCheck = (
  option: string,
  value: number,
  limits: { readonly min: number; readonly max?: number },
) => number;

function numbers(name: string): NumberCheck {
  return (option, value, { min, max = Number.MAX_SAFE_INTEGER }) => {
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw invalid(name, `${option} is ${value}, and must be a whole number from ${min} to ${max}`);
  };
}

function invalid(source: string, message: string): StoreError {
  const code: ErrorCode = "CONFIG_INVALID";
  return new StoreError({ code, operation: "configure", source, message });
}

import type { S3ClientConfig } from "@aws-sdk/client-s3";
import type { Clock } from "@bitstore/core";

/** Keys of an account, as a service hands them out. */
export interface S3AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** When they end; a provider that says so is asked again in time. */
  readonly expiration?: Date | undefined;
}

/** Fetches keys. It is called again once they have expired, or when the service refuses them. */
export type S3CredentialsProvider = () => Promise<S3AccessKey>;

/**
 * One way to be somebody: `"default"` is the SDK's own chain (environment, shared files, SSO,
 * container and instance roles), `"anonymous"` signs nothing, a profile is one of the shared files.
 */
export type S3Credentials =
  | "default"
  | "anonymous"
  | { readonly profile: string }
  | S3AccessKey
  | S3CredentialsProvider;

/** How objects are encrypted at rest by the service. */
export interface S3Encryption {
  readonly serverSideEncryption?: "AES256" | "aws:kms" | "aws:kms:dsse" | undefined;
  /** Key of the key service, for the two `aws:kms` kinds; the account's default where left out. */
  readonly sseKmsKeyId?: string | undefined;
  /** 32 bytes that the service encrypts with and forgets. Every read needs them. TLS only. */
  readonly sseCustomerKey?: Uint8Array | undefined;
}

export interface S3BucketOptions extends S3Encryption {
  readonly bucket: string;
  /**
   * URL of an S3 clone; AWS itself where it is left out, unless `AWS_ENDPOINT_URL_S3` or
   * `AWS_ENDPOINT_URL` is in the environment.
   */
  readonly endpoint?: string | undefined;
  /**
   * Region of the bucket. Where it is left out, the ambient one is taken, and corrected as soon as
   * the service names the right one.
   */
  readonly region?: string | undefined;
  /** Puts the bucket's name into the path, not the host. Default: true with an endpoint. */
  readonly pathStyle?: boolean | undefined;
  /** Short for `credentials: ["anonymous"]`. */
  readonly anonymous?: boolean | undefined;
  /** Short for `credentials: [{ profile }]`. */
  readonly profile?: string | undefined;
  /**
   * Tried in order: one that can't be loaded, or that the service does not know, passes on to the
   * next. Being denied one object is no reason to become somebody else. Default: `["default"]`.
   */
  readonly credentials?: readonly S3Credentials[] | undefined;

  /** Bytes above which an object goes in parts of that size; 5 MiB to 5 GiB, default 8 MiB. */
  readonly partBytes?: number | undefined;
  /** Parts of one put that are in memory at once; default 4. */
  readonly partsInFlightMax?: number | undefined;
  /** Times that one part is sent before the put fails; default 4. */
  readonly partAttemptsMax?: number | undefined;
  /** Objects a page of a list; default and limit of the service 1,000. */
  readonly listPageSize?: number | undefined;
  /** The requester pays for the requests, not the bucket's owner. */
  readonly requesterPays?: boolean | undefined;
  /** Storage class of what is put, such as `STANDARD_IA`; the bucket's default where left out. */
  readonly storageClass?: string | undefined;

  /** Connections at once; further requests wait. Default 64. */
  readonly connectionsMax?: number | undefined;
  /** Milliseconds that a connection may take to be made; default 10,000. */
  readonly connectMs?: number | undefined;
  /** Milliseconds in which no byte moved, after which a request is TIMEOUT; default 60,000. */
  readonly idleMs?: number | undefined;
  /** Milliseconds for which the bucket is believed to exist after it answered; default 10,000. */
  readonly bucketSeenMs?: number | undefined;
  /** Milliseconds that a failed put waits for its parts to be removed; default 2,000. */
  readonly abortWaitMs?: number | undefined;

  readonly clock?: Clock | undefined;
  /** In [0, 1); spreads the waits between attempts. */
  readonly random?: (() => number) | undefined;
  /** Where endpoints, proxies and CA bundles are looked up. Default `process.env`. */
  readonly environment?: S3Environment | undefined;
  /** Carries the requests instead of the transport of this package, which it is not mixed with. */
  readonly requestHandler?: S3ClientConfig["requestHandler"] | undefined;
}

export type S3Environment = Readonly<Record<string, string | undefined>>;

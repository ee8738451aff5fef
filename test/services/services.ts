/**
 * The services that driver tests talk to, as plain data. The global setup starts them and
 * provides them; a driver's test takes what it needs and says so when it is not there:
 *
 * ```ts
 * import { describe, inject } from "vitest";
 * import "../../../test/services/services.ts"; // types of inject("services")
 *
 * const { s3 } = inject("services");
 * describe.skipIf(s3 === undefined)("bucket-s3 on MinIO", () => {
 *   // s3?.endpoint, s3?.accessKeyId …; each test makes a bucket named uniqueName("s3")
 * });
 * ```
 *
 * Buckets are made by the drivers' own SDKs, so nothing here depends on one. Emulators are
 * thrown away with their data at the end of the run, but an endpoint that came from the
 * environment may outlive it: clean up there.
 */
export interface TestServices {
  readonly s3?: S3Service;
  /** A second implementation of S3, so that no driver learns the habits of the first. */
  readonly s3Clone?: S3Service;
  readonly gcs?: GcsService;
  readonly azure?: AzureService;
  /** Started only when `BITSTORE_TEST_SERVICES` names it. */
  readonly toxiproxy?: ToxiproxyService;
  readonly skipped: readonly SkippedService[];
}

/** An S3 endpoint, to be addressed in path style. */
export interface S3Service {
  /** Without a trailing slash, like `http://127.0.0.1:9000`. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A GCS endpoint that wants no credentials: `STORAGE_EMULATOR_HOST` in one piece. */
export interface GcsService {
  /** Without a trailing slash, like `http://127.0.0.1:4443`. */
  readonly endpoint: string;
  readonly projectId: string;
}

/** An Azure Blob endpoint with a shared key. */
export interface AzureService {
  readonly connectionString: string;
  /** With the account's name as its path, like `http://127.0.0.1:10000/devstoreaccount1`. */
  readonly endpoint: string;
  readonly accountName: string;
  readonly accountKey: string;
}

/** Toxiproxy's control API. The proxies are made by the test, on ports of its choice. */
export interface ToxiproxyService {
  readonly apiUrl: string;
}

/** The names used in `BITSTORE_TEST_SERVICES`, `BITSTORE_TEST_REQUIRE` and messages. */
export type ServiceName = "s3" | "s3-clone" | "gcs" | "azure" | "toxiproxy";

/** A service that is not there, and why. */
export interface SkippedService {
  readonly service: ServiceName;
  readonly reason: string;
}

declare module "vitest" {
  interface ProvidedContext {
    services: TestServices;
  }
}

/** Returns a name that no other test uses, valid for a bucket or container in every service. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;
}

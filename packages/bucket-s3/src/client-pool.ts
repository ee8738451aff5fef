import {
  S3Client,
  type S3ClientConfig,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from "@aws-sdk/client-s3";
import type { ServiceClock } from "@bitstore/core";
import type { DeserializeMiddleware } from "@smithy/types";
import { type Identity, identityOf } from "./identities.ts";
import type { S3Settings } from "./s3-settings.ts";

/** A client that speaks for one identity. */
export interface Slot {
  readonly client: S3Client;
  readonly identity: Identity;
  /** Region that was adopted because the service named it. */
  readonly region: string | undefined;
}

/** Chooses the client that speaks for us. */
export interface ClientPool {
  current(): Slot;
  /** Says that the service knows the slot's keys. */
  accepted(slot: Slot): void;
  /**
   * Says that the slot's keys were refused, or could not be loaded. Keys that may have been rotated
   * are loaded once more, then the next identity is current. Returns false where all have failed;
   * the next call starts over with the first.
   */
  refused(slot: Slot, wasLoaded: boolean): boolean;
  /** Speaks to another region from now on. */
  adopt(slot: Slot, region: string): void;
}

export function clientPool(
  settings: S3Settings,
  requestHandler: NonNullable<S3ClientConfig["requestHandler"]>,
  time: ServiceClock,
): ClientPool {
  const identities = settings.credentials.map(identityOf);
  let at = 0;
  let region: string | undefined;
  let slot: Slot | undefined;
  /** Its keys were loaded because the ones before were refused: there is no third time. */
  let suspect: Slot | undefined;

  function current(): Slot {
    const identity = identities[at] ?? identityOf("anonymous");
    slot ??= {
      identity,
      region,
      client: makeClient(settings, requestHandler, time, identity, region),
    };
    return slot;
  }

  return {
    current,
    accepted: (accepted) => {
      if (suspect === accepted) suspect = undefined;
    },
    refused: (refused, wasLoaded) => {
      // Another request has found that out already.
      if (refused !== slot) return true;
      slot = undefined;
      if (wasLoaded && refused.identity.renewable && suspect !== refused) {
        suspect = current();
        return true;
      }
      suspect = undefined;
      at = (at + 1) % identities.length;
      return at !== 0;
    },
    adopt: (adopting, named) => {
      if (adopting !== slot) return;
      region = named;
      slot = undefined;
    },
  };
}

function makeClient(
  settings: S3Settings,
  requestHandler: NonNullable<S3ClientConfig["requestHandler"]>,
  time: ServiceClock,
  identity: Identity,
  region: string | undefined,
): S3Client {
  const { endpoint } = settings;
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    region: region ?? settings.region ?? ambientRegion(settings),
    forcePathStyle: settings.pathStyle,
    requestHandler,
    // One owner of retries, and it is not the SDK.
    maxAttempts: 1,
    // Clones know the older checksums only, and a signed payload is one already.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    cacheMiddleware: true,
    ...signing(identity),
  });
  client.middlewareStack.add(observing(time), { step: "deserialize", priority: "low" });
  return client;
}

/** Reads the time from every answer, before one that is a failure is made an error. */
function observing(
  time: ServiceClock,
): DeserializeMiddleware<ServiceInputTypes, ServiceOutputTypes> {
  return (next) => async (request) => {
    const answered = await next(request);
    time.observe(dateOf(answered.response));
    return answered;
  };
}

/** The SDK knows of an answer only that it is one of its handler's. */
function dateOf(response: unknown): string | undefined {
  if (typeof response !== "object" || response === null || !("headers" in response)) {
    return undefined;
  }
  const { headers } = response;
  if (typeof headers !== "object" || headers === null || !("date" in headers)) return undefined;
  return typeof headers.date === "string" ? headers.date : undefined;
}

function signing(identity: Identity): Pick<S3ClientConfig, "credentials" | "signer"> {
  if (identity.load !== undefined) return { credentials: identity.load };
  return {
    credentials: { accessKeyId: "", secretAccessKey: "" },
    signer: { sign: async (request) => request },
  };
}

/** The region of the environment or the profile; AWS corrects it where it is another. */
function ambientRegion({ profile }: S3Settings): () => Promise<string> {
  let region: Promise<string> | undefined;
  return () => {
    region ??= new S3Client(profile === undefined ? {} : { profile }).config
      .region()
      .catch(() => "us-east-1");
    return region;
  };
}

import { defaultProvider } from "@aws-sdk/credential-provider-node";
import type { AwsCredentialIdentity } from "@smithy/types";
import type { S3Credentials } from "./s3-bucket-options.ts";

/** One candidate of the list of credentials. */
export interface Identity {
  /** For messages; without anything of its content. */
  readonly label: string;
  /** Whether loading it once more may give other keys. */
  readonly renewable: boolean;
  /** Undefined where requests are not signed. */
  readonly load: Load<AwsCredentialIdentity> | undefined;
}

/** Takes what the SDK tells of the client that asks, such as the region for a role's keys. */
type Load<T> = (caller?: Record<string, unknown>) => Promise<T>;

/** Name of the error that says that keys could not be loaded, so that it is not the service's. */
export const unavailableName = "CredentialsUnavailable";

/**
 * Makes a candidate ready to load its keys. Whatever goes wrong while they are loaded is told apart
 * from what the service says: a role that may not be assumed is AccessDenied too, elsewhere.
 */
export function identityOf(credentials: S3Credentials): Identity {
  if (credentials === "anonymous") {
    return { label: "anonymous", renewable: false, load: undefined };
  }
  if (credentials === "default") {
    return { label: "default", renewable: true, load: loader("default", chain({})) };
  }
  if (typeof credentials === "function") {
    return { label: "provider", renewable: true, load: loader("provider", () => credentials()) };
  }
  if ("profile" in credentials) {
    const label = `profile ${credentials.profile}`;
    return { label, renewable: true, load: loader(label, chain(credentials)) };
  }
  const keys = async (): Promise<Keys> => credentials;
  return { label: "keys", renewable: false, load: loader("keys", keys) };
}

/** What a provider gives, of whatever kind. */
interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly expiration?: Date | undefined;
}

/**
 * The SDK's own chain, made and its files read anew each time: it would remember keys for ever, and
 * they may have been rotated. The client above it asks only when it needs to.
 */
function chain(init: { readonly profile?: string }): Load<Keys> {
  // Without a logger of its own it would warn on the console.
  const silent = { trace: none, debug: none, info: none, warn: none, error: none };
  return (caller) => defaultProvider({ ...init, ignoreCache: true, logger: silent })(caller);
}

function loader(label: string, load: Load<Keys>): Load<AwsCredentialIdentity> {
  return async (caller) => {
    try {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await load(caller);
      if (!isText(accessKeyId) || !isText(secretAccessKey)) throw new Error("there is no key");
      return {
        accessKeyId,
        secretAccessKey,
        ...(sessionToken === undefined ? {} : { sessionToken }),
        ...(expiration === undefined ? {} : { expiration }),
      };
    } catch (cause) {
      const said = cause instanceof Error ? cause.message : "unknown reason";
      const error = new Error(`${label} credentials could not be loaded: ${said}`, { cause });
      error.name = unavailableName;
      throw error;
    }
  };
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function none(): void {}

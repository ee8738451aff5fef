import {
  AnonymousCredential,
  ContainerClient,
  newPipeline,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import type * as AzureIdentity from "@azure/identity";
import type { Agent } from "node:http";
import { StoreError } from "@bitstore/core";
import { parseConnectionString } from "./account.ts";
import type { AzureCredential, AzureTokenCredential } from "./options.ts";

/** What all clients of one bucket have in common. */
export interface ContainerPlace {
  /** URL of the container, without a query. */
  readonly url: string;
  readonly account: string | undefined;
  readonly agent: Agent | undefined;
}

type Credential = StorageSharedKeyCredential | AnonymousCredential | AzureTokenCredential;

/** Makes the SDK's client of the container by one credential; loads what that needs. */
export async function openContainer(
  credential: AzureCredential,
  place: ContainerPlace,
): Promise<ContainerClient> {
  const { kind } = credential;
  if (kind === "token") return client(place, credential.credential);
  if (kind === "identity") return client(place, await identityCredential());
  if (kind === "sas") return client(place, new AnonymousCredential(), credential.token);
  if (kind === "sharedKey") {
    return client(place, sharedKey(credential.account ?? place.account, credential.key));
  }
  if (kind === "anonymous") return client(place, new AnonymousCredential());
  if (kind === "default") throw new RangeError("the environment was not looked up");
  const parts = parseConnectionString(credential.connectionString);
  if (place.account !== undefined && parts.account !== place.account) {
    throw unusable("the connection string is of another account");
  }
  return client(place, parts.sharedKey ?? new AnonymousCredential(), parts.sas);
}

/** The retries and redirects are off: who retries is decided above, and nothing may be sent on. */
function client(
  { url, agent }: ContainerPlace,
  credential: Credential,
  sas?: string,
): ContainerClient {
  // The SDK passes the last two on to its core, though its own type does not name them.
  const options = {
    retryOptions: { maxTries: 1 },
    userAgentOptions: { userAgentPrefix: "bitstore" },
    redirectOptions: { maxRetries: 0 },
    ...(agent === undefined ? {} : { agent }),
  };
  const pipeline = newPipeline(credential, options);
  const query = sas === undefined ? "" : `?${sas.replace(/^\?/, "")}`;
  return new ContainerClient(url + query, pipeline);
}

function sharedKey(account: string | undefined, key: string): StorageSharedKeyCredential {
  if (account === undefined) throw unusable("a key needs the name of its account: give account");
  if (Buffer.from(key, "base64").byteLength === 0) throw unusable("the key is no base64");
  return new StorageSharedKeyCredential(account, key);
}

async function identityCredential(): Promise<AzureTokenCredential> {
  let identity: typeof AzureIdentity;
  try {
    // Loaded here, since it is large and most credentials do without it.
    identity = await import("@azure/identity");
  } catch {
    throw unusable("@azure/identity is not installed, which logins by Azure need");
  }
  return new identity.DefaultAzureCredential();
}

function unusable(message: string): StoreError {
  return new StoreError({ code: "UNAUTHENTICATED", operation: "authenticate", message });
}

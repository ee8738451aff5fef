import { readFile } from "node:fs/promises";
import type { Storage } from "@google-cloud/storage";
import { StoreError } from "@bitstore/core";
import { type JsonObject, parseObject, stringField } from "./json-fields.ts";
import type { GcsCredential } from "./options.ts";
import { toStoreError } from "./to-store-error.ts";

/** Resolves to the headers that authorize a request to a URL, with a token that is fresh. */
export type HeaderSource = (url: string) => Promise<Readonly<Record<string, string>>>;

/** The SDK's credentials in JSON. */
type Key = NonNullable<Storage["authClient"]["jsonContent"]>;

/**
 * Loads a credential through the SDK, which keeps its token fresh from then on. The SDK is loaded
 * at first use, since 30 MiB are much for a bucket that needs no credentials. A key that can't be
 * read or parsed is UNAUTHENTICATED; the message never quotes it.
 */
export async function loadCredential(
  credential: GcsCredential,
  projectId: string | undefined,
): Promise<HeaderSource> {
  if (credential === "anonymous") return async () => ({});
  const key = credential === "default" ? undefined : await keyOf(credential);
  const { Storage: Sdk } = await import("@google-cloud/storage");
  const { authClient } = new Sdk({
    // Without one the SDK would look for it, by a request and by starting another program.
    projectId: projectId ?? "not-needed",
    retryOptions: { autoRetry: false, maxRetries: 0 },
  });
  // As an option it would be used just the same, after a warning on the console. For an external
  // account the SDK warns all the same, since such a key names the hosts that tokens come from.
  if (key !== undefined) authClient.jsonContent = key;
  try {
    await authClient.getClient();
  } catch (error) {
    throw loadFailure(error);
  }
  return async (url) => Object.fromEntries(await authClient.getRequestHeaders(url));
}

/** Hides what a parser quotes of a key; what the default chain says of itself is kept. */
function loadFailure(error: unknown): StoreError {
  const failure = toStoreError(error, "authorize", "google");
  return failure.code === "INTERNAL" ? unusable("the credentials can't be used") : failure;
}

async function keyOf(
  credential: { readonly keyFile: string } | { readonly key: JsonObject },
): Promise<Key> {
  const key = "key" in credential ? credential.key : parseObject(await textOf(credential.keyFile));
  if (!isKey(key)) {
    throw unusable('it is no key in JSON: an object with "type", such as "service_account"');
  }
  return key;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw unusable(`the file can't be read (${stringField(error, "code") ?? "unknown"})`);
  }
}

/** The rest is checked by the SDK when it makes a client of it. */
function isKey(value: unknown): value is Key {
  return stringField(value, "type") !== undefined;
}

function unusable(message: string): StoreError {
  return new StoreError({ code: "UNAUTHENTICATED", operation: "authorize", message });
}

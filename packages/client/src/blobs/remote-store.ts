import {
  type BlobListOptions,
  type BlobStore,
  type CallOptions,
  type Descriptor,
  type Digest,
  StoreError,
  throwIfAborted,
  type StatOptions,
} from "@bitstore/core";
import type { Api } from "../wire/api.ts";
import { ask } from "../wire/ask.ts";
import { fieldsOf } from "../wire/fields.ts";
import { problemError } from "../wire/problem.ts";
import { readJson } from "../wire/read-json.ts";
import { repeat } from "../wire/repeat.ts";
import { isAbsent, openBlob } from "./open-blob.ts";
import { putBlob } from "./put-blob.ts";
import { askForBlob } from "./through-tag.ts";

/** Digests of one page of a list. */
const listPageMax = 1000;

const algorithms = ["sha1", "sha256", "sha512", "sha3-256", "blake3"] as const;

/** Makes the blobs of another bitstore a store. Disposing it leaves the connections open. */
export function remoteStore(api: Api): BlobStore {
  return {
    name: api.name,
    // What the server's own tiers can't do it refuses itself, with UNSUPPORTED.
    capabilities: {
      algorithms,
      stat: true,
      rangeRead: true,
      put: true,
      delete: true,
      list: true,
    },
    stat: (digest, call) => statBlob(api, digest, call),
    open: (digest, call) => openBlob(api, digest, call),
    put: (body, call) => putBlob(api, body, call),
    delete: (digest, call) => deleteBlob(api, digest, call),
    list: (call) => listBlobs(api, call),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function statBlob(
  api: Api,
  digest: Digest,
  { signal, durable = false }: StatOptions = {},
): Promise<Descriptor | undefined> {
  throwIfAborted(signal, "stat", digest);
  return await repeat(api, { operation: "stat", signal }, async () => {
    const search = durable ? "?durable=true" : "";
    const question = { search, operation: "stat", subject: digest, signal } as const;
    const answer = await askForBlob(api, digest, { ...question, method: "HEAD" });
    await answer.drain();
    if (isAbsent(answer)) return undefined;
    if (answer.status !== 200) throw await problemError(answer);
    const length = answer.header("content-length") ?? "";
    if (/^\d{1,15}$/.test(length)) return { digest, size: Number(length) };
    const message = "the server does not say the blob's size";
    throw new StoreError({ code: "UNSUPPORTED", ...answer.asked, message });
  });
}

async function deleteBlob(
  api: Api,
  digest: Digest,
  { signal }: CallOptions = {},
): Promise<boolean> {
  throwIfAborted(signal, "delete", digest);
  return await repeat(api, { operation: "delete", signal }, async () => {
    const path = `/v1/blobs/${digest}`;
    const question = { path, operation: "delete", subject: digest, signal } as const;
    const answer = await ask(api, { ...question, method: "DELETE" });
    const isThere = answer.status === 204;
    if (!isThere && !isAbsent(answer)) throw await problemError(answer);
    await answer.drain();
    return isThere;
  });
}

async function* listBlobs(
  api: Api,
  { startAfter, signal }: BlobListOptions = {},
): AsyncGenerator<Descriptor, void, void> {
  let after: string | undefined = startAfter;
  do {
    const page = await listPage(api, after, signal);
    for (const each of page.blobs) {
      throwIfAborted(signal, "list");
      yield each;
    }
    after = page.next;
  } while (after !== undefined);
}

interface Page {
  readonly blobs: readonly Descriptor[];
  /** Where the next page begins; undefined at the end. */
  readonly next: string | undefined;
}

async function listPage(
  api: Api,
  after: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Page> {
  throwIfAborted(signal, "list");
  return await repeat(api, { operation: "list", signal }, async () => {
    const answer = await ask(api, {
      method: "GET",
      path: "/v1/blobs",
      query: { after, n: listPageMax },
      headers: { accept: "application/json" },
      operation: "list",
      subject: after ?? "blobs",
      signal,
    });
    if (answer.status !== 200) throw await problemError(answer);
    const fields = fieldsOf(await readJson(answer), answer.asked);
    const blobs = fields.objects("blobs").map((each) => ({
      digest: each.digest("digest"),
      size: each.whole("size"),
    }));
    return { blobs, next: fields.maybe("next", fields.digest) };
  });
}

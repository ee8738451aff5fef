import {
  type Algorithm,
  algorithmOf,
  type Bytes,
  checkDigest,
  collect,
  type Digest,
  hashToFile,
  type PutResult,
  StoreError,
} from "@bitstore/core";
import { checkPutAlgorithm } from "../../access/confined-writes.ts";
import { isConfined } from "../../access/principal.ts";
import { provenPut, provenPutLimits } from "../../access/proven-put.ts";
import { declaredSize, requestBody } from "../../wire/request-body.ts";
import type { Exchange } from "../exchange.ts";
import type { OpenedWorkspace } from "../workspaces.ts";

/** What a body is to be stored as. */
export interface StoredAs {
  /** What the bytes must match. */
  readonly digest?: Digest | undefined;
  /** What they are named by where no digest is given. */
  readonly algorithm?: Algorithm | undefined;
}

/**
 * Stores what a client sends and resolves once it is durable at the origin. Bytes that are to be named,
 * and those of a blob that the origin has already, are spooled, since a store may need them twice; all
 * others go from the socket to the tier as they come. Whatever fails, nothing becomes visible.
 */
export async function storeBody(
  exchange: Exchange,
  { store }: OpenedWorkspace,
  { digest, algorithm }: StoredAs,
): Promise<PutResult> {
  const { principal, limits } = exchange;
  const signal = exchange.signal();
  checkUpload(exchange);
  const named = digest === undefined ? (algorithm ?? "sha256") : algorithmOf(digest);
  checkPutAlgorithm(principal, named);
  const size = declaredSize(exchange.incoming);
  const body = bounded(requestBody(exchange), limits.blobBytesMax);
  if (isConfined(principal)) {
    return await provenPut(store, body(), { digest, algorithm, size, signal });
  }
  if (size !== undefined && size <= limits.replayBytesMax) {
    const bytes = await collect(body(), limits.replayBytesMax);
    return await store.put(bytes, { digest, algorithm, signal });
  }
  if (digest === undefined || (await store.durable(digest, { signal })) === undefined) {
    return await store.put(body, { digest, algorithm, size, signal });
  }
  await using hashed = await hashToFile(body, named, provenPutLimits, signal);
  checkDigest(digest, hashed.digest, "put", store.name);
  return await store.put(hashed.body, { digest, size: hashed.size, signal });
}

/** Refuses, before a byte was read, what can't be stored as it comes. */
function checkUpload({ incoming, limits }: Exchange): void {
  const { headers } = incoming;
  const refuse = (message: string): StoreError =>
    new StoreError({ code: "INVALID_ARGUMENT", operation: "put", subject: "body", message });
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw refuse("a digest names bytes as they are; send them without a Content-Encoding");
  }
  // A server that takes no parts of a resource must not take one for the whole: RFC 9110, 14.5.
  if (headers["content-range"] !== undefined) throw refuse("a blob is put whole, not in ranges");
  if ((declaredSize(incoming) ?? 0) > limits.blobBytesMax) throw tooLarge(limits.blobBytesMax);
}

/** Counts a body, which need not say how long it is. */
function bounded(body: () => Bytes, bytesMax: number): () => Bytes {
  return async function* (): AsyncGenerator<Uint8Array, void, void> {
    let count = 0;
    for await (const chunk of body()) {
      count += chunk.byteLength;
      if (count > bytesMax) throw tooLarge(bytesMax);
      yield chunk;
    }
  };
}

function tooLarge(bytesMax: number): StoreError {
  const message = `a blob may have ${bytesMax} bytes at most`;
  return new StoreError({ code: "TOO_LARGE", operation: "put", subject: "body", message });
}

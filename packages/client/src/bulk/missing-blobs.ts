import { type CallOptions, type Digest, throwIfAborted } from "@bitstore/core";
import type { Api } from "../wire/api.ts";
import { ask } from "../wire/ask.ts";
import { fieldsOf } from "../wire/fields.ts";
import { problemError } from "../wire/problem.ts";
import { repeat } from "../wire/repeat.ts";
import { readNdjson } from "./read-lines.ts";

/** Digests of one request: small enough to be sent again, and to be sent by a browser. */
export const missingBatchMax = 10_000;

/** Digests, few or more than memory holds. */
export type Digests = Iterable<Digest> | AsyncIterable<Digest>;

/**
 * Yields which of the digests the server's origin lacks, asking by ten thousand at a time, so that any
 * number takes the same memory.
 */
export async function* missingBlobs(
  api: Api,
  digests: Digests,
  { signal }: CallOptions = {},
): AsyncGenerator<Digest, void, void> {
  let batch: Digest[] = [];
  for await (const digest of digests) {
    batch.push(digest);
    if (batch.length < missingBatchMax) continue;
    yield* await missingOf(api, batch, signal);
    batch = [];
  }
  if (batch.length > 0) yield* await missingOf(api, batch, signal);
}

async function missingOf(
  api: Api,
  batch: readonly Digest[],
  signal: AbortSignal | undefined,
): Promise<readonly Digest[]> {
  throwIfAborted(signal, "missing");
  return await repeat(api, { operation: "missing", signal }, async () => {
    const answer = await ask(api, {
      method: "POST",
      path: "/v1/blobs/missing",
      headers: { accept: "application/x-ndjson", "content-type": "application/x-ndjson" },
      body: ndjsonOf(batch),
      operation: "missing",
      subject: `${batch.length} digests`,
      signal,
    });
    if (answer.status !== 200) throw await problemError(answer);
    const missing: Digest[] = [];
    for await (const digest of readNdjson(answer.chunks(), answer.asked)) {
      missing.push(fieldsOf({ digest }, answer.asked).digest("digest"));
    }
    return missing;
  });
}

/** Writes digests as NDJSON. */
export function ndjsonOf(digests: readonly Digest[]): Uint8Array {
  return new TextEncoder().encode(digests.map((digest) => `"${digest}"\n`).join(""));
}

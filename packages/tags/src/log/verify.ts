import {
  type CallOptions,
  collect,
  isStoreError,
  mapConcurrent,
  type TagEntry,
  type TagVerification,
} from "@bitstore/core";
import { canonicalJson } from "./canonical-json.ts";
import { type LogContext, requestOf } from "./context.ts";
import { manifestBytesMax } from "./limits.ts";
import { readManifest, recordOf } from "./manifest.ts";

const problemsMax = 100;

/**
 * Reads a whole log, newest first, and checks that no sequence is missing, each manifest is written
 * canonically and says where it is, names the one before it by its hash and those before that as they
 * are, times ascend, no nonce stands twice, and a tombstone has its marker.
 */
export async function verifyLog(
  context: LogContext,
  tag: string,
  options: CallOptions,
): Promise<TagVerification> {
  const { bucket, keys, calls, limits } = context;
  const request = requestOf("verify", tag, options);
  const problems: { seq: number; problem: string }[] = [];
  const note = (seq: number, problem: string): void => {
    if (problems.length < problemsMax) problems.push({ seq, problem });
  };
  const stop = new AbortController();
  const read = mapConcurrent(
    calls.walk(
      request,
      (call) => bucket.list(keys.log(tag), call),
      ({ key }) => key,
    ),
    { concurrencyMax: limits.concurrencyMax, ordered: true, waitingMax: 256, signal: stop.signal },
    async ({ key }) => {
      const seq = keys.seqOf(tag, key);
      if (seq === undefined) return { key, seq: 0, bytes: undefined };
      const bytes = await calls.retried(request, calls.deadline(), async (call) => {
        const content = await bucket.read(key, call);
        if (content === undefined) return undefined;
        // One that is too long is as good as one that says nothing: it is no manifest.
        return await collect(content.body, manifestBytesMax).catch((error: unknown) => {
          if (isStoreError(error, "TOO_LARGE")) return new Uint8Array();
          throw error;
        });
      });
      return { key, seq, bytes };
    },
    () => stop.abort(),
  );

  const check = chainCheck(note);
  let newest: TagEntry | undefined;
  let headSeq = 0;
  for await (const { key, seq, bytes } of read) {
    if (seq === 0) {
      note(0, `${key} is no entry of a tag's log`);
      continue;
    }
    headSeq = Math.max(headSeq, seq);
    const place = { namespace: context.namespace, tag, seq, source: bucket.name };
    let entry: TagEntry | undefined;
    try {
      if (bytes === undefined) note(seq, "it is listed, but not there");
      else entry = await readManifest(bytes, place);
    } catch (error) {
      if (!isStoreError(error)) throw error;
      note(seq, error.detail);
    }
    if (bytes !== undefined && entry !== undefined && !isCanonical(bytes)) {
      note(seq, "its bytes are not in canonical form");
    }
    check.next(seq, entry);
    if (seq === headSeq) newest = entry;
  }
  check.end();
  if (newest?.op === "delete") {
    const marker = await calls.retried(request, calls.deadline(), (call) =>
      bucket.head(keys.marker(tag, headSeq), call),
    );
    // A set that came meanwhile has removed it.
    const after = await calls.retried(request, calls.deadline(), (call) =>
      bucket.head(keys.entry(tag, headSeq + 1), call),
    );
    if (marker === undefined && after === undefined) {
      note(headSeq, "the tombstone has no marker, so the tag is listed");
    }
  }
  problems.sort((one, other) => one.seq - other.seq);
  return { tag, seq: headSeq, sha256: newest?.sha256, problems };
}

/** Checks entries that come newest first against what the later ones say of them. */
function chainCheck(note: (seq: number, problem: string) => void): {
  next(seq: number, entry: TagEntry | undefined): void;
  end(): void;
} {
  let after: { readonly seq: number; readonly entry: TagEntry | undefined } | undefined;
  let claims = new Map<number, Set<string>>();
  const nonces = new Set<string>();
  const noteGap = (from: number, to: number): void => {
    if (from < to)
      note(from, from === to - 1 ? "it is missing" : `${from} to ${to - 1} are missing`);
  };
  return {
    next(seq, entry) {
      if (after !== undefined) noteGap(seq + 1, after.seq);
      const later = after?.seq === seq + 1 ? after.entry : undefined;
      if (entry !== undefined) {
        if (later !== undefined && later.prev?.sha256 !== entry.sha256) {
          note(later.seq, `it names another entry ${seq} than stands there: the chain is broken`);
        }
        if (later !== undefined && Date.parse(later.time) <= Date.parse(entry.time)) {
          note(later.seq, "its time is not after that of the entry before");
        }
        if (entry.prev?.seq !== (seq === 1 ? undefined : seq - 1)) {
          note(seq, "it does not name the entry before it");
        }
        const told = claims.get(seq) ?? new Set();
        told.delete(canonicalJson(recordOf(entry)));
        if (told.size > 0) note(seq, "a later entry tells something else of it");
        if (nonces.has(entry.nonce)) note(seq, "its nonce stands in a later entry too");
        nonces.add(entry.nonce);
        for (const record of entry.recent) {
          const known = claims.get(record.seq) ?? new Set();
          claims.set(record.seq, known.add(canonicalJson(record)));
        }
      }
      claims.delete(seq);
      after = { seq, entry };
    },
    end() {
      if (after !== undefined) noteGap(1, after.seq);
      claims = new Map();
    },
  };
}

/** Tells whether bytes are the one form of what they say; also of members that are not known. */
function isCanonical(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes);
  try {
    return canonicalJson(JSON.parse(text)) === text;
  } catch {
    // Nested so deeply that it can't be written out.
    return false;
  }
}

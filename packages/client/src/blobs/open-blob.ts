import {
  type ByteRange,
  checkRange,
  type Content,
  contentOfStream,
  type Digest,
  isWhole,
  type OpenOptions,
  resolveRange,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import type { Api } from "../wire/api.ts";
import type { Answer } from "../wire/ask.ts";
import { isProblem, problemError } from "../wire/problem.ts";
import { repeat } from "../wire/repeat.ts";
import type { Asked } from "../wire/transport.ts";
import { askForBlob } from "./through-tag.ts";

/**
 * Opens a blob of another bitstore. The server has verified it on its way in, and yet it counts as
 * unverified here, as what any driver reads does.
 */
export async function openBlob(
  api: Api,
  digest: Digest,
  options: OpenOptions = {},
): Promise<Content | undefined> {
  const { range, version, signal } = options;
  const asked: Asked = { operation: "open", subject: digest, source: api.name };
  checkRange(range, "open", digest);
  throwIfAborted(signal, "open", digest);
  if (version !== undefined && version !== digest) throw otherVersion(asked);
  const part = range === undefined || isWhole(range) ? undefined : range;
  return await repeat(api, { operation: "open", signal }, async () => {
    const answer = await askForBlob(api, digest, {
      method: "GET",
      headers: {
        accept: "application/octet-stream",
        ...(part === undefined ? {} : { range: headerOf(part) }),
        ...(version === undefined ? {} : { "if-match": `"${version}"` }),
      },
      operation: "open",
      subject: digest,
      signal,
    });
    if (isAbsent(answer)) {
      await answer.drain();
      return undefined;
    }
    if (answer.status !== 200 && answer.status !== 206) throw await problemError(answer);
    try {
      return contentOf(answer, digest, part);
    } catch (error) {
      answer.discard();
      throw error;
    }
  });
}

/** A miss is a bitstore's own word: any other 404 only says that there is no bitstore. */
export function isAbsent(answer: Answer): boolean {
  return answer.status === 404 && isProblem(answer);
}

function contentOf(answer: Answer, digest: Digest, part: ByteRange | undefined): Content {
  const { asked, status } = answer;
  const tag = /^"([^"]*)"$/.exec(answer.header("etag") ?? "")?.[1];
  if (tag !== digest) throw strange(asked, "the answer's ETag is not the digest");
  if (status === 200 && part !== undefined) return cutContent(answer, digest, part);
  const { size, range } =
    status === 206 ? partOf(answer, part) : { size: lengthOf(answer), range: undefined };
  const length = range === undefined ? size : range.end - range.start;
  async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
    let seen = 0;
    for await (const chunk of answer.chunks()) {
      seen += chunk.byteLength;
      if (length !== undefined && seen > length) break;
      yield chunk;
    }
    if (length === undefined || seen === length) return;
    const message = `the body has ${seen} bytes or more where ${length} were promised`;
    throw new StoreError({ code: "UNAVAILABLE", ...asked, message });
  }
  return contentOfStream(
    { size, range, source: asked.source, version: digest },
    chunks,
    answer.discard,
  );
}

/** Cuts a range out of the whole, which a server sends whose tier does not know its size. */
function cutContent(answer: Answer, digest: Digest, part: ByteRange): Content {
  const { asked } = answer;
  const size = lengthOf(answer);
  const { start, end } =
    size === undefined ? part : resolveRange(part, size, asked.operation, asked.subject);
  async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
    let at = 0;
    for await (const chunk of answer.chunks()) {
      const kept = chunk.subarray(Math.max(0, start - at), end === undefined ? end : end - at);
      at += chunk.byteLength;
      if (kept.byteLength > 0) yield kept;
      if (end !== undefined && at >= end) return;
    }
    if (at > start) return;
    const message = `range starts at ${start}, the object has ${at} bytes`;
    throw new StoreError({ code: "RANGE_NOT_SATISFIABLE", ...asked, message });
  }
  return contentOfStream(
    { size, range: { start, end }, source: asked.source, version: digest },
    chunks,
    answer.discard,
  );
}

/** The part that a 206 has, checked against what was asked for (RFC 9110, section 14.4). */
function partOf(
  answer: Answer,
  asked: ByteRange | undefined,
): { readonly size: number; readonly range: { readonly start: number; readonly end: number } } {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(
    answer.header("content-range") ?? "",
  );
  const [start = -1, last = -1, size = -1] = (match ?? []).slice(1).map(Number);
  const end = Math.min(asked?.end ?? size, size);
  if (asked === undefined || start !== asked.start || last + 1 !== end) {
    throw strange(answer.asked, "the server gave another range than was asked for");
  }
  return { size, range: { start, end } };
}

function lengthOf(answer: Answer): number | undefined {
  const length = answer.header("content-length") ?? "";
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

function headerOf({ start, end }: ByteRange): string {
  return `bytes=${start}-${end === undefined ? "" : end - 1}`;
}

function otherVersion(asked: Asked): StoreError {
  const message = "a blob of a bitstore has one version, its digest";
  return new StoreError({ code: "PRECONDITION_FAILED", ...asked, message });
}

function strange(asked: Asked, message: string): StoreError {
  return new StoreError({ code: "INTERNAL", ...asked, message });
}

import { type Content, contentOfStream } from "../content.ts";
import type { Digest } from "../digest.ts";
import { StoreError } from "../errors.ts";
import { type ByteRange, resolveRange } from "../range.ts";

/**
 * Holds what a source answered against the range that it was asked for. The whole blob instead of
 * the range is cut to it; anything else is refused, and a body that ends before the range does throws
 * UNAVAILABLE: bytes of another place would pass for those of this one.
 */
export async function exactRange(
  content: Content,
  range: ByteRange,
  digest: Digest,
  source: string,
): Promise<Content> {
  const { size, range: given } = content;
  if (given.start === 0 && range.start > 0) return await cutContent(content, range, digest);
  if (given.start !== range.start) {
    await content[Symbol.asyncDispose]();
    throw wrongRange(digest, source, `it answered from byte ${given.start}, not ${range.start}`);
  }
  const asked = Math.min(range.end ?? Number.POSITIVE_INFINITY, size ?? Number.POSITIVE_INFINITY);
  if (given.end !== undefined && given.end > asked) return await cutContent(content, range, digest);
  const end = size === undefined ? given.end : asked;
  if (end === undefined || end === Number.POSITIVE_INFINITY) return content;
  const length = end - range.start;
  const checked = contentOfStream(
    content,
    () => ofLength(content.body, length, digest, source),
    async () => await content[Symbol.asyncDispose](),
  );
  return {
    ...checked,
    bytes: async () => {
      const bytes = await content.bytes();
      if (bytes.byteLength === length) return bytes;
      throw wrongRange(digest, source, `it gave ${bytes.byteLength} of ${length} bytes`);
    },
  };
}

async function* ofLength(
  body: AsyncIterable<Uint8Array>,
  length: number,
  digest: Digest,
  source: string,
): AsyncGenerator<Uint8Array, void, void> {
  let had = 0;
  for await (const chunk of body) {
    had += chunk.byteLength;
    if (had > length) break;
    yield chunk;
  }
  if (had !== length) throw wrongRange(digest, source, `it gave ${had} of ${length} bytes`);
}

function wrongRange(subject: Digest, source: string, message: string): StoreError {
  return new StoreError({ code: "UNAVAILABLE", operation: "open", subject, source, message });
}

/** Cuts a range from a whole read as it streams; it is not verified where it ends before the read. */
export async function cutContent(
  content: Content,
  range: ByteRange,
  digest: Digest,
): Promise<Content> {
  const { size, source, role, version } = content;
  let cut = range;
  try {
    if (size !== undefined) cut = resolveRange(range, size, "open", digest);
  } catch (error) {
    await content[Symbol.asyncDispose]();
    throw error;
  }
  return contentOfStream(
    { size, range: cut, source, role, version },
    () => cutStream(content.body[Symbol.asyncIterator](), cut, digest, source),
    async () => await content[Symbol.asyncDispose](),
  );
}

async function* cutStream(
  stream: AsyncIterator<Uint8Array>,
  { start, end }: ByteRange,
  digest: Digest,
  source: string,
): AsyncGenerator<Uint8Array, void, void> {
  let at = 0;
  for (let step = await stream.next(); step.done !== true; step = await stream.next()) {
    const from = Math.max(0, start - at);
    const to = Math.min(step.value.byteLength, (end ?? Number.POSITIVE_INFINITY) - at);
    if (from < to) yield step.value.subarray(from, to);
    at += step.value.byteLength;
    if (end !== undefined && at >= end) break;
  }
  await stream.return?.();
  if (at > start && (end === undefined || at >= end)) return;
  throw new StoreError({
    code: at <= start ? "RANGE_NOT_SATISFIABLE" : "UNAVAILABLE",
    operation: "open",
    subject: digest,
    source,
    message: `the body ended at byte ${at}, before the end of the range`,
  });
}

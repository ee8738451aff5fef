import type { IncomingMessage } from "node:http";
import { type ByteRange, type Content, isWhole, type ReadOptions } from "@bitstore/core";
import { contentOfAnswer } from "./answer-content.ts";
import { discard, header } from "./answer.ts";
import type { Service } from "./call.ts";
import { isGeneration, staleVersion } from "./generation.ts";
import { refused } from "./json-answer.ts";
import { openRange } from "./open-range.ts";

/**
 * Opens an object's bytes as they are stored. `Accept-Encoding: gzip` keeps the service from
 * decompressing objects whose `contentEncoding` is gzip
 * (https://cloud.google.com/storage/docs/transcoding). Resolves to undefined after a 404.
 */
export async function readObject(
  service: Service,
  name: string,
  key: string,
  options: ReadOptions,
): Promise<Content | undefined> {
  const { range, ifVersion, signal } = options;
  let answer = await get(service, key, options, "gzip");
  if (isCompressedOnTheWay(answer)) {
    answer.destroy();
    answer = await get(service, key, options, "identity");
  }
  if (answer.statusCode === 404) {
    discard(answer);
    return undefined;
  }
  const version = header(answer, "x-goog-generation");
  try {
    const opened = answer.statusCode === 200 || answer.statusCode === 206;
    // Emulators ignore the condition, also where they refuse the range, so it is compared here too.
    if (ifVersion !== undefined && (opened || version !== undefined) && version !== ifVersion) {
      throw staleVersion("read", name, key);
    }
    if (!opened) throw await refused(answer, name, { operation: "read", subject: key, signal });
    const part = openRange(answer, range, name, key);
    return contentOfAnswer({ ...part, answer, name, key, version, signal });
  } catch (error) {
    answer.destroy();
    throw error;
  }
}

function get(
  service: Service,
  key: string,
  { range, ifVersion, signal }: ReadOptions,
  encoding: "gzip" | "identity",
): Promise<IncomingMessage> {
  const pin = ifVersion !== undefined && isGeneration(ifVersion) ? ifVersion : undefined;
  return service.ask({
    operation: "read",
    subject: key,
    method: "GET",
    path: service.objectPath(key, { alt: "media", ifGenerationMatch: pin }),
    headers: {
      "accept-encoding": encoding,
      ...(range === undefined || isWhole(range) ? {} : { range: rangeHeader(range) }),
    },
    withKey: true,
    signal,
  });
}

function rangeHeader({ start, end }: ByteRange): string {
  return `bytes=${start}-${end === undefined ? "" : end - 1}`;
}

/** Tells an object that is stored plain and was compressed for the way. */
function isCompressedOnTheWay(answer: IncomingMessage): boolean {
  return (
    header(answer, "content-encoding") === "gzip" &&
    header(answer, "x-goog-stored-content-encoding") === "identity"
  );
}

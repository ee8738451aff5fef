import { type Bytes, StoreError } from "@bitstore/core";
import type { Asked } from "../wire/transport.ts";
import { type ByteReader, byteReader } from "./byte-reader.ts";

/** A file of an archive. What is not read of it is skipped when the next one is asked for. */
export interface TarFile {
  readonly name: string;
  readonly size: number;
  readonly body: Bytes;
}

const blockBytes = 512;

/** Bytes of one extended header; ours have some hundred. */
const extendedBytesMax = 64 * 1024;

/**
 * Reads the files of a tar archive one after the other (POSIX.1-2017, pax, with ustar headers). It
 * throws UNAVAILABLE where the archive ends before its two empty blocks, so that half of one is never
 * taken for all, and INTERNAL for what is no archive.
 */
export async function* readTar(stream: Bytes, asked: Asked): AsyncGenerator<TarFile, void, void> {
  const reader = byteReader(stream);
  const short = (): StoreError => {
    const message = "the archive ends before its end";
    return new StoreError({ code: "UNAVAILABLE", ...asked, message });
  };
  const exactly = async (count: number): Promise<Uint8Array> => {
    const bytes = await reader.take(count);
    if (bytes.byteLength < count) throw short();
    return bytes;
  };
  let extended: ReadonlyMap<string, string> = new Map();
  try {
    for (;;) {
      const header = await exactly(blockBytes);
      if (header.every((byte) => byte === 0)) return;
      const { type, name, size } = readHeader(header, extended, asked);
      if (type === "x" || type === "g") {
        if (size > extendedBytesMax) throw noArchive(asked, "an extended header is too long");
        const records = readRecords(await exactly(size));
        if (type === "x") extended = records;
        await exactly(paddingOf(size));
        continue;
      }
      extended = new Map();
      const file = fileBody(reader, size, short);
      if (type === "0" || type === "\0") yield { name, size, body: file.body };
      await file.skip();
      await exactly(paddingOf(size));
    }
  } finally {
    reader.close();
  }
}

function fileBody(
  reader: ByteReader,
  size: number,
  short: () => StoreError,
): { readonly body: Bytes; skip(): Promise<void> } {
  let left = size;
  async function* rest(): AsyncGenerator<Uint8Array, void, void> {
    while (left > 0) {
      const [chunk] = await firstOf(reader.next(left));
      if (chunk === undefined) throw short();
      left -= chunk.byteLength;
      yield chunk;
    }
  }
  return {
    body: { [Symbol.asyncIterator]: rest },
    async skip() {
      for await (const chunk of rest()) void chunk;
    },
  };
}

/** A chunk that was taken is counted before its reader can stop. */
async function firstOf(chunks: AsyncGenerator<Uint8Array, void, void>): Promise<Uint8Array[]> {
  const step = await chunks.next();
  await chunks.return();
  return step.done === true ? [] : [step.value];
}

interface Header {
  readonly type: string;
  readonly name: string;
  readonly size: number;
}

function readHeader(
  header: Uint8Array,
  extended: ReadonlyMap<string, string>,
  asked: Asked,
): Header {
  const text = (from: number, bytes: number): string => {
    const field = header.subarray(from, from + bytes);
    const end = field.indexOf(0);
    return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
  };
  const sum = header.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (Number.parseInt(text(148, 8), 8) !== sum) throw noArchive(asked, "a header's sum is wrong");
  const prefix = text(345, 155);
  const own = prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`;
  const octal = Number.parseInt(text(124, 12).trim(), 8);
  // Of more than 8 GiB, tar writers that know no pax write the size in binary.
  const isBinary = ((header[124] ?? 0) & 0x80) !== 0;
  const plain = isBinary ? header.subarray(125, 136).reduce((n, b) => n * 256 + b, 0) : octal;
  const size = Number(extended.get("size") ?? plain);
  if (!Number.isSafeInteger(size) || size < 0) throw noArchive(asked, "a size is none");
  return { type: text(156, 1) || "\0", name: extended.get("path") ?? own, size };
}

/** Reads records of the form `27 path=…\n`, whose lengths count bytes. */
function readRecords(bytes: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  const decoder = new TextDecoder();
  for (let at = 0; at < bytes.byteLength; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(decoder.decode(bytes.subarray(at, space)));
    if (space < 0 || !Number.isSafeInteger(length) || length <= space - at) break;
    const record = decoder.decode(bytes.subarray(space + 1, at + length - 1));
    const equals = record.indexOf("=");
    if (equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

function paddingOf(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

function noArchive(asked: Asked, what: string): StoreError {
  const message = `the answer is no tar archive: ${what}`;
  return new StoreError({ code: "INTERNAL", ...asked, message });
}

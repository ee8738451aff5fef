import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { StoreError } from "@bitstore/core";
import { parse } from "csv-parse";
import { readLines } from "../input/read-lines.ts";

export type IdFormat = "lines" | "csv" | "ndjson";

export interface IdInput {
  /** A file, or `-` for the standard input. */
  readonly from: string;
  /** The column or property that holds the digest; makes the input CSV or NDJSON. */
  readonly column?: string | undefined;
  /** Told by the file's name where it is left out. */
  readonly format?: IdFormat | undefined;
  readonly stdin: Readable;
}

/** Bytes of the longest line or record; longer ones are refused rather than held in memory. */
const recordBytesMax = 1024 * 1024;

/**
 * Reads IDs one by one: the first word of each line, or from a column of CSV (by its header) or
 * NDJSON. Blank lines, and those that start with `#` in a plain list, are passed over; a record without the column is an ID of its own that is malformed, so that it is
 * reported and the rest goes on. Memory is one record.
 *
 * Rejects with INVALID_ARGUMENT for a file that is not there or no CSV, PERMISSION_DENIED for one
 * that may not be read.
 */
export async function* readIds(input: IdInput): AsyncGenerator<string, void, void> {
  const stream = input.from === "-" ? input.stdin : createReadStream(input.from);
  const format = input.format ?? formatOf(input);
  try {
    if (format === "csv") yield* csvIds(stream, input);
    else if (format === "ndjson") yield* ndjsonIds(stream, input);
    else yield* words(stream, input.from);
  } catch (error) {
    throw inputError(error, input.from);
  } finally {
    stream.destroy();
  }
}

function formatOf({ from, column }: IdInput): IdFormat {
  if (/\.csv$/i.test(from)) return "csv";
  if (/\.(ndjson|jsonl)$/i.test(from)) return "ndjson";
  return column === undefined ? "lines" : "csv";
}

/** The first word of each line, so that what `put`, `ls` and `has` print can be read again. */
async function* words(stream: Readable, name: string): AsyncGenerator<string, void, void> {
  for await (const line of readLines(stream, name)) {
    const [word = ""] = line.trimStart().split(/\s/, 1);
    if (word !== "" && !word.startsWith("#")) yield word;
  }
}

async function* csvIds(stream: Readable, { column }: IdInput): AsyncGenerator<string, void, void> {
  const parser = stream.pipe(
    parse({
      bom: true,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: recordBytesMax,
    }),
  );
  stream.on("error", (error) => parser.destroy(error));
  let at: number | undefined;
  for await (const record of parser as AsyncIterable<readonly string[]>) {
    if (at === undefined) {
      at = columnOf(record, column);
      continue;
    }
    yield (record[at] ?? "").trim();
  }
}

function columnOf(header: readonly string[], column: string | undefined): number {
  const names = header.map((name) => name.trim());
  const wanted = column ?? names.find((name) => /^(digest|id|hash|sha1|sha256)$/i.test(name));
  const at = wanted === undefined && names.length === 1 ? 0 : names.indexOf(wanted ?? "");
  if (at >= 0) return at;
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "read",
    subject: "IDs",
    message: `there is no column ${JSON.stringify(column ?? "digest")}; the header has ${names
      .map((name) => JSON.stringify(name))
      .join(", ")}; name one with --column`,
  });
}

async function* ndjsonIds(
  stream: Readable,
  { from, column = "digest" }: IdInput,
): AsyncGenerator<string, void, void> {
  for await (const line of readLines(stream, from)) {
    if (line.trim() !== "") yield property(line, column) ?? line.trim();
  }
}

function property(line: string, column: string): string | undefined {
  try {
    const record: unknown = JSON.parse(line);
    if (typeof record === "string") return record;
    if (typeof record !== "object" || record === null || !Object.hasOwn(record, column)) {
      return undefined;
    }
    const value: unknown = Object.entries(record).find(([name]) => name === column)?.[1];
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function inputError(error: unknown, from: string): unknown {
  if (!(error instanceof Error) || error instanceof StoreError) return error;
  const code = "code" in error ? String(error.code) : "";
  const fault = (kind: "PERMISSION_DENIED" | "INVALID_ARGUMENT", message: string) =>
    new StoreError({ code: kind, operation: "read", subject: from, message, cause: error });
  if (code === "ENOENT") return fault("INVALID_ARGUMENT", "there is no such file of IDs");
  if (code === "EACCES") return fault("PERMISSION_DENIED", "the file of IDs can't be read");
  if (code === "EISDIR") return fault("INVALID_ARGUMENT", "it is a directory, not a file of IDs");
  return fault("INVALID_ARGUMENT", error.message);
}

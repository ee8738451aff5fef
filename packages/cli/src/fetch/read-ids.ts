import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { isDigest, StoreError } from "@bitstore/core";
import { parse } from "csv-parse";
import { namesTag } from "../input/blob-argument.ts";
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
  /** Is told of an ID that is none, and where it stands, before it is yielded. */
  readonly onMalformed?: ((id: string, place: IdPlace) => void) | undefined;
}

/** Where an ID stands. */
export interface IdPlace {
  /** From 1 on; of CSV the line that the record ends in. */
  readonly line: number;
  /** The column of CSV or property of NDJSON that was read. */
  readonly column: string | undefined;
  /** Whether the line looks as if it had columns that were not read as such. */
  readonly hasCommas: boolean;
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
    else yield* words(stream, input);
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
async function* words(stream: Readable, input: IdInput): AsyncGenerator<string, void, void> {
  let at = 0;
  for await (const line of readLines(stream, input.from)) {
    at += 1;
    const [word = ""] = line.trimStart().split(/\s/, 1);
    if (word === "" || word.startsWith("#")) continue;
    check(word, { line: at, column: undefined, hasCommas: line.includes(",") }, input);
    yield word;
  }
}

function check(id: string, place: IdPlace, { onMalformed }: IdInput): void {
  if (!namesTag(id) && !isDigest(id)) onMalformed?.(id, place);
}

interface CsvRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

async function* csvIds(stream: Readable, input: IdInput): AsyncGenerator<string, void, void> {
  const parser = stream.pipe(
    parse({
      bom: true,
      info: true,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: recordBytesMax,
    }),
  );
  stream.on("error", (error) => parser.destroy(error));
  let at: number | undefined;
  let column = "";
  for await (const { record, info } of parser as AsyncIterable<CsvRecord>) {
    if (at === undefined) {
      at = columnOf(record, input.column);
      column = (record[at] ?? "").trim();
      continue;
    }
    const id = (record[at] ?? "").trim();
    check(id, { line: info.lines, column, hasCommas: false }, input);
    yield id;
  }
}

const usualColumns = ["digest", "sha256", "sha1", "hash", "id"];

function columnOf(header: readonly string[], column: string | undefined): number {
  const names = header.map((name) => name.trim());
  // A column of its own kind goes before one that may hold anything, wherever they stand.
  const usual = usualColumns.flatMap((kind) => names.filter((name) => name.toLowerCase() === kind));
  const wanted = column ?? usual[0];
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

async function* ndjsonIds(stream: Readable, input: IdInput): AsyncGenerator<string, void, void> {
  const { from, column = "digest" } = input;
  let at = 0;
  for await (const line of readLines(stream, from)) {
    at += 1;
    if (line.trim() === "") continue;
    const id = property(line, column) ?? line.trim();
    check(id, { line: at, column, hasCommas: false }, input);
    yield id;
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

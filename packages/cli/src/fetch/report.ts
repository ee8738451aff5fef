import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { StoreError } from "@bitstore/core";
import type { ReportLine } from "./run-fetch.ts";

/** The report of a run: one JSON object a line for each distinct digest. */
export interface Report extends AsyncDisposable {
  write(line: ReportLine): Promise<void>;
}

/** Opens a report file, replacing an earlier run's. Rejects where it can't be written. */
export async function openReport(path: string): Promise<Report> {
  const stream = createWriteStream(path, { highWaterMark: 256 * 1024 });
  let failure: unknown;
  stream.on("error", (error) => {
    failure = error;
  });
  await once(stream, "open").catch((error: unknown) => {
    throw reportError(path, error);
  });
  return {
    async write(line) {
      if (failure !== undefined) throw reportError(path, failure);
      if (!stream.write(`${JSON.stringify(line)}\n`)) await once(stream, "drain");
    },
    async [Symbol.asyncDispose]() {
      stream.end();
      await finished(stream).catch((error: unknown) => {
        throw reportError(path, error);
      });
    },
  };
}

function reportError(path: string, cause: unknown): StoreError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
  return new StoreError({
    code: code === "EACCES" || code === "EROFS" ? "PERMISSION_DENIED" : "INVALID_ARGUMENT",
    operation: "fetch",
    subject: path,
    message: `the report can't be written (${code})`,
    cause,
  });
}

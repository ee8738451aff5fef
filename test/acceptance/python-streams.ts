import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const script = join(import.meta.dirname, "stream_blob.py");

/** What was streamed in and came back. */
export interface Streamed {
  readonly digest: string;
  readonly size: number;
}

/**
 * Streams a blob in and out of a server by Python's requests, of blocks that a seed makes. Rejects
 * unless the bytes come back as they were.
 */
export async function streamByPython(
  python: string,
  url: string,
  mebibytes: number,
  seed: string,
): Promise<Streamed> {
  const { stdout } = await promisify(execFile)(python, [script, url, String(mebibytes), seed]);
  return JSON.parse(stdout) as Streamed;
}

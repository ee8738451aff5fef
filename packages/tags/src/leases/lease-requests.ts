import {
  type Bucket,
  type CallOptions,
  type Clock,
  collect,
  linkedAbort,
  orAborted,
  StoreError,
} from "@bitstore/core";
import { metadataFormatKnown, readMetadataFormat } from "../format/metadata-format.ts";
import { leaseBytesMax } from "./lease-record.ts";

/** Milliseconds of one request. */
const requestMs = 30_000;

/** Gives a request an end: TIMEOUT where no answer comes, whatever becomes of it. */
export async function timed<T>(
  clock: Clock,
  subject: string,
  source: string,
  signal: AbortSignal | undefined,
  request: (options: CallOptions) => Promise<T>,
): Promise<T> {
  const link = linkedAbort(signal);
  const cancel = clock.after(requestMs, () => {
    const message = `no answer within ${requestMs / 1000} s`;
    link.abort(new StoreError({ code: "TIMEOUT", operation: "lease", subject, source, message }));
  });
  try {
    return await orAborted(request({ signal: link.signal }), link.signal, "lease", subject);
  } finally {
    cancel();
    link.release();
  }
}

/** Reads an object whole; undefined where it is absent. */
export async function readWhole(
  bucket: Bucket,
  key: string,
  call: CallOptions,
): Promise<{ readonly bytes: Uint8Array; readonly version: string | undefined } | undefined> {
  const content = await bucket.read(key, call);
  if (content === undefined) return undefined;
  return { version: content.version, bytes: await collect(content.body, leaseBytesMax) };
}

/** Rejects with UNSUPPORTED where a later release writes: its collectors may not heed this lease. */
export async function checkFormat(bucket: Bucket, call: CallOptions): Promise<void> {
  const found = await readMetadataFormat(bucket, call);
  if (found === undefined || found.minWriter <= metadataFormatKnown) return;
  throw new StoreError({
    code: "UNSUPPORTED",
    operation: "lease",
    source: bucket.name,
    message: `its metadata format ${found.minWriter} is newer than this release; use a later one`,
  });
}

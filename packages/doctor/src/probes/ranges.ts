import { type ByteRange, type Content, isStoreError, type StoreError } from "@bitstore/core";
import { no, type Probe, skipped, type Verdict, yes } from "../probe.ts";
import {
  isSame,
  type ProbeContext,
  readAll,
  sampleBytes,
  smallBytesMax,
} from "../probe-context.ts";
import { noWrite } from "./writes.ts";

/** Bytes of the object that is cut into ranges. */
const objectBytes = 4096;
/** An object of others must be as large to be cut at all. */
const objectBytesMin = 16;

export const ranges: Probe<ProbeContext> = {
  name: "ranges",
  question: "are ranges answered with just their bytes?",
  meaning:
    "Reads of a part may get other bytes, and a broken download can't be resumed: fetch whole blobs only.",
  skip: ({ bucket }) =>
    bucket.capabilities.rangeRead ? undefined : "the driver can't read ranges",
  async run(context, signal) {
    const found = await findObject(context, signal);
    if (found === undefined) return skipped("there is no object of a fitting size to cut");
    return await cut(context, found.key, found.bytes, signal);
  },
};

/** Resolves to an object and its bytes: one of our own, or one that is there and small. */
async function findObject(
  context: ProbeContext,
  signal: AbortSignal,
): Promise<{ readonly key: string; readonly bytes: Uint8Array } | undefined> {
  const { bucket, found, knownKey } = context;
  if (noWrite(context) === undefined) {
    const key = context.freshKey("ranges");
    const bytes = sampleBytes(objectBytes, 7);
    await bucket.put(key, bytes, { size: objectBytes, signal });
    return { key, bytes };
  }
  const known = knownKey === undefined ? undefined : await bucket.head(knownKey, { signal });
  const fitting = [...(known === undefined ? [] : [known]), ...found.listed].find(
    ({ archived, size }) => !archived && size >= objectBytesMin && size <= smallBytesMax,
  );
  if (fitting === undefined) return undefined;
  const bytes = await readAll(context, fitting.key, signal);
  return bytes === undefined ? undefined : { key: fitting.key, bytes };
}

async function cut(
  context: ProbeContext,
  key: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<Verdict> {
  const size = bytes.byteLength;
  const tail = size - 7;
  const parts: [what: string, range: ByteRange][] = [
    ["a range from the middle", { start: 3, end: tail }],
    ["the last bytes", { start: tail, end: undefined }],
    ["a range that ends past the end", { start: tail, end: size + 1000 }],
    ["the first byte", { start: 0, end: 1 }],
  ];
  for (const [what, range] of parts) {
    const problem = await problemOf(context, key, range, bytes, signal);
    if (problem !== undefined) return no(`${what} ${problem}`);
  }
  const past = await refusalPast(context, key, size, signal);
  if (past !== undefined) return no(past);
  return yes("ranges from the middle, to the end and past it were right");
}

async function problemOf(
  context: ProbeContext,
  key: string,
  range: ByteRange,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { bucket } = context;
  const size = bytes.byteLength;
  const end = Math.min(range.end ?? size, size);
  const content = await orFailed(bucket.read(key, { range, signal }));
  if (isStoreError(content)) {
    // An outage is none of the range's fault: the whole is read well, and the range fails again.
    await readAll(context, key, signal);
    const again = await orFailed(bucket.read(key, { range, signal }));
    if (isStoreError(again)) return `failed: ${again.detail}`;
    await again?.[Symbol.asyncDispose]();
    throw content;
  }
  if (content === undefined) return "was answered as absent";
  await using open = content;
  if (open.range.start !== range.start || open.range.end !== end) {
    return `was answered with the range ${open.range.start} to ${open.range.end ?? "the end"}`;
  }
  if (open.size !== undefined && open.size !== size) return `came with a size of ${open.size}`;
  const got = await open.bytes();
  if (got.byteLength !== end - range.start) {
    return `had ${got.byteLength} bytes instead of ${end - range.start}`;
  }
  return isSame(got, bytes.subarray(range.start, end)) ? undefined : "had other bytes";
}

/** A driver that got something else than it asked for says that the service is unavailable. */
async function orFailed(
  reading: Promise<Content | undefined>,
): Promise<Content | StoreError | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isStoreError(error, "UNAVAILABLE")) return error;
    throw error;
  }
}

async function refusalPast(
  { bucket }: ProbeContext,
  key: string,
  size: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const content = await bucket.read(key, { range: { start: size, end: size + 10 }, signal });
    await content?.[Symbol.asyncDispose]();
    return "a range past the end was not refused";
  } catch (error) {
    if (isStoreError(error, "RANGE_NOT_SATISFIABLE")) return undefined;
    throw error;
  }
}

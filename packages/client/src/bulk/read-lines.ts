import { type Bytes, StoreError } from "@bitstore/core";
import type { Asked } from "../wire/transport.ts";

/** Characters of one line of NDJSON. */
const lineCharsMax = 2 ** 20;

/** Yields the values of NDJSON. @throws INTERNAL for a line that is no JSON, or far too long. */
export async function* readNdjson(
  stream: Bytes,
  asked: Asked,
): AsyncGenerator<unknown, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > lineCharsMax) throw noJson(asked);
    for (const line of lines) if (line.trim() !== "") yield parsed(line, asked);
  }
  if (rest.trim() !== "") yield parsed(rest, asked);
}

function parsed(line: string, asked: Asked): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw noJson(asked, cause);
  }
}

function noJson(asked: Asked, cause?: unknown): StoreError {
  return new StoreError({ code: "INTERNAL", ...asked, message: "a line is no JSON", cause });
}

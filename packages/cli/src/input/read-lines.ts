import { type Bytes, StoreError } from "@bitstore/core";

/** Bytes of the longest line: digests have less than 150, and names may follow them. */
const lineBytesMax = 64 * 1024;

/**
 * Splits a stream into lines, without their ends; a byte order mark is dropped. Rejects with TOO_LARGE
 * as soon as a line is longer than 64 KiB, since such a stream is no list.
 */
export async function* readLines(stream: Bytes, name: string): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const text = rest + decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield checked(line, name);
    checked(rest, name);
  }
  rest += decoder.decode();
  if (rest !== "") yield checked(rest, name);
}

function checked(line: string, name: string): string {
  if (line.length <= lineBytesMax) return line;
  throw new StoreError({
    code: "TOO_LARGE",
    operation: "read",
    subject: name,
    message: `a line is longer than ${lineBytesMax} characters; a list has one digest a line`,
  });
}

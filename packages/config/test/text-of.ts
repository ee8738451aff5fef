import type { Content } from "@bitstore/core";

/** Reads a blob whole, as text; undefined where there was none. */
export async function textOf(content: Content | undefined): Promise<string | undefined> {
  return content === undefined ? undefined : new TextDecoder().decode(await content.bytes());
}

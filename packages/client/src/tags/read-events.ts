import { type Bytes, StoreError } from "@bitstore/core";
import type { Asked } from "../wire/transport.ts";

/** One server-sent event. */
export interface ServerEvent {
  /** `message` where the server names none. */
  readonly type: string;
  readonly data: string;
}

/** Characters of one event; an entry as full as it may be is far below. */
const eventCharsMax = 2 ** 20;

/**
 * Reads server-sent events (HTML Living Standard, section 9.2): fields by line, an empty line ends
 * an event, comments are skipped. An event that the stream breaks off is dropped.
 */
export async function* readEvents(
  stream: Bytes,
  asked: Asked,
): AsyncGenerator<ServerEvent, void, void> {
  let data: string[] = [];
  let type = "message";
  for await (const line of lines(stream, asked)) {
    if (line === "") {
      if (data.length > 0) yield { type, data: data.join("\n") };
      data = [];
      type = "message";
      continue;
    }
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") data.push(value);
    if (name === "event") type = value;
  }
}

async function* lines(stream: Bytes, asked: Asked): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = parts.pop() ?? "";
    if (rest.length > eventCharsMax) {
      const message = `an event has more than ${eventCharsMax} characters`;
      throw new StoreError({ code: "INTERNAL", ...asked, message });
    }
    yield* parts;
  }
}

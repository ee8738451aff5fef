/** One server-sent event. */
export interface ServerEvent {
  readonly id: string | undefined;
  readonly data: string;
}

/** Most characters of one event; a manifest is 64 KiB at most. */
const eventCharactersMax = 1 << 20;

/**
 * Yields the events of a `text/event-stream` as they come. The browser's own EventSource can't send
 * a token, so the stream is read by fetch.
 */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest = (rest + decoder.decode(value, { stream: true })).replaceAll("\r\n", "\n");
      if (rest.length > eventCharactersMax) throw new Error("the server sent an endless event");
      for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
        const event = parseEvent(rest.slice(0, end));
        rest = rest.slice(end + 2);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parseEvent(text: string): ServerEvent | undefined {
  const data: string[] = [];
  let id: string | undefined;
  for (const line of text.split("\n")) {
    const [, field, value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === "data") data.push(value);
    if (field === "id") id = value;
  }
  return data.length === 0 ? undefined : { id, data: data.join("\n") };
}

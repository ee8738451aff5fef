import { StoreError } from "@bitstore/core";

/** Headers of one request; browsers behind proxies send some forty. */
export const headersMax = 100;

/** Headers that decide what is done, and which two parties could each read another one of. */
const single: ReadonlyMap<string, number> = new Map(
  [
    "content-length",
    "transfer-encoding",
    "authorization",
    "bitstore-receipt",
    "content-type",
    "expect",
    "host",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "if-range",
    "origin",
    "range",
    "sec-fetch-site",
  ].map((name, at) => [name, 1 << at]),
);

/** The bits of a length and of a transfer coding. */
const bothLengths = 0b11;

/**
 * Refuses headers that a proxy in front may have read in another way: one that decides twice, a length
 * beside a transfer coding, a coding but chunked. Node's parser refuses most of these by itself; that
 * it does, on the version at hand, is not what safety rests on.
 *
 * `raw` is `IncomingMessage.rawHeaders`: names and values in turn, as they came.
 *
 * @throws INVALID_ARGUMENT; TOO_LARGE where there are too many.
 */
export function checkHeaders(raw: readonly string[]): void {
  if (raw.length / 2 > headersMax) throw refused(`there are more than ${headersMax}`, "TOO_LARGE");
  // A bit for each header that decides: no request needs a set of its own for them.
  let seen = 0;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]?.toLowerCase() ?? "";
    const bit = single.get(name);
    if (bit === undefined) continue;
    if ((seen & bit) !== 0) throw refused(`${name} is there twice`);
    seen |= bit;
    const value = raw[at + 1] ?? "";
    if (name === "transfer-encoding" && value.trim().toLowerCase() !== "chunked") {
      throw refused("transfer-encoding is not chunked");
    }
    if (name === "content-length" && !/^[0-9]{1,16}$/.test(value)) {
      throw refused("content-length is no number of bytes");
    }
  }
  if ((seen & bothLengths) === bothLengths) {
    throw refused("it has both content-length and transfer-encoding");
  }
}

function refused(
  message: string,
  code: "INVALID_ARGUMENT" | "TOO_LARGE" = "INVALID_ARGUMENT",
): StoreError {
  return new StoreError({ code, operation: "parse", subject: "request headers", message });
}

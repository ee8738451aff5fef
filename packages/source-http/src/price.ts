import type { Price } from "@bitstore/core";

/** A source that says what a request to it costs; nothing here acts on it. */
export interface Priced {
  readonly price: Price | undefined;
}

import type { Clock } from "@bitstore/core";
import type { Proofs } from "./proofs.ts";
import type { ClientLimits } from "./wire/api.ts";

/** What every client takes, in Node and in browsers. */
export interface ClientOptions {
  /** Where the server is, such as `https://bitstore.example`, with a base path where it has one. */
  readonly url: string;
  /** Bearer token, or what resolves to the one of now; asked for each request. */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  /** Sent with each request; asked for each, where it is a function: a trace's own, for instance. */
  readonly headers?:
    | Readonly<Record<string, string>>
    | (() => Readonly<Record<string, string>>)
    | undefined;
  /** Who writes tags, where a call does not say and the server takes our word for it. */
  readonly actor?: string | undefined;
  /** For messages: the namespace that the token leads to; `default` if left out. */
  readonly namespace?: string | undefined;
  readonly limits?: Partial<ClientLimits> | undefined;
  readonly clock?: Clock | undefined;
  /** A number from 0 up to 1, for the pauses between attempts. */
  readonly random?: (() => number) | undefined;
  /** Shared by clients of one server and token, or kept for later; in memory if left out. */
  readonly proofs?: Proofs | undefined;
  /** 128 bits as 32 lower-case hex digits, never the same twice; of `crypto` if left out. */
  readonly mintNonce?: (() => string) | undefined;
}

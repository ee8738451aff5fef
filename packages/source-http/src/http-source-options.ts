import type { LookupFunction } from "node:net";
import { type Clock, type Price, StoreError, systemClock } from "@bitstore/core";
import type { UrlTemplateOptions } from "./url-template.ts";

export interface HttpSourceOptions extends UrlTemplateOptions {
  /** Where a blob is, with `{digest}`, `{algorithm}`, `{hex}` or slices such as `{hex:0:2}`. */
  readonly url: string;
  /** Name in messages and reports; the template without its secrets if left out. */
  readonly name?: string | undefined;
  /** Headers of every request to the configured origin; values may be `env:NAME`, `file:PATH`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * Whether `stat` asks with HEAD (default true). An API whose HEAD says 404 for blobs that its GET
   * has needs false: that can't be told from a miss.
   */
  readonly head?: boolean | undefined;
  /** Whether the API honours `Range` (default false). */
  readonly rangeRead?: boolean | undefined;
  /** Whether blobs may be PUT to the same URL (default false). */
  readonly put?: boolean | undefined;
  /**
   * What to do with bytes that come with a Content-Encoding although none was asked for: undo it
   * (`decode`, the default), or take the bytes as they are (`raw`), for an API that has, say,
   * `.gz` files under the digest of the compressed bytes and labels them so.
   */
  readonly contentEncoding?: "decode" | "raw" | undefined;
  /**
   * Whether private addresses may be connected to: all, none, or those of a list of addresses and
   * ranges. Left out, all if the configured host is private by its form, else none.
   */
  readonly privateAddresses?: boolean | readonly string[] | undefined;
  readonly price?: Price | undefined;

  /** Requests that are open at once (default 16). */
  readonly concurrencyMax?: number | undefined;
  /** Requests that are started in a second (default: no limit). */
  readonly requestsPerSecondMax?: number | undefined;
  /** Milliseconds for which one `Retry-After` holds the source at most (default 60 s). */
  readonly retryAfterMsMax?: number | undefined;
  /** Bytes of the largest blob (default 5 GiB, the largest object of one upload to S3). */
  readonly blobBytesMax?: number | undefined;
  /** Bytes of a body after a Content-Encoding was undone (default 1 GiB). */
  readonly decodedBytesMax?: number | undefined;
  /** Bytes to throw away where the API ignores a range (default 64 MiB). */
  readonly skipBytesMax?: number | undefined;
  /** Milliseconds to a connection (default 5 s). */
  readonly connectTimeoutMs?: number | undefined;
  /** Milliseconds from a request to the headers of its answer (default 30 s). */
  readonly headersTimeoutMs?: number | undefined;
  /** Milliseconds without a byte in the middle of a body (default 10 s). */
  readonly bodyIdleMs?: number | undefined;

  readonly clock?: Clock | undefined;
  /** Wall clock for a `Retry-After` that is a date, of an API that sends no `Date`. */
  readonly epochMs?: (() => number) | undefined;
  readonly environment?: NodeJS.ProcessEnv | undefined;
  readonly lookup?: LookupFunction | undefined;
}

/** The options that have defaults, with them. */
export interface HttpSourceSettings {
  readonly head: boolean;
  readonly rangeRead: boolean;
  readonly contentEncoding: "decode" | "raw";
  readonly concurrencyMax: number;
  readonly requestsPerSecondMax: number | undefined;
  readonly retryAfterMsMax: number;
  readonly blobBytesMax: number;
  readonly decodedBytesMax: number;
  readonly skipBytesMax: number;
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly bodyIdleMs: number;
  readonly clock: Clock;
  readonly epochMs: () => number;
  readonly environment: NodeJS.ProcessEnv;
}

/** Fills the defaults in. Throws CONFIG_INVALID for a limit that is no positive number. */
export function httpSourceSettings(options: HttpSourceOptions): HttpSourceSettings {
  const settings = {
    head: options.head ?? true,
    rangeRead: options.rangeRead ?? false,
    contentEncoding: options.contentEncoding ?? "decode",
    concurrencyMax: options.concurrencyMax ?? 16,
    requestsPerSecondMax: options.requestsPerSecondMax,
    retryAfterMsMax: options.retryAfterMsMax ?? 60_000,
    blobBytesMax: options.blobBytesMax ?? 5 * 2 ** 30,
    decodedBytesMax: options.decodedBytesMax ?? 2 ** 30,
    skipBytesMax: options.skipBytesMax ?? 64 * 2 ** 20,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    headersTimeoutMs: options.headersTimeoutMs ?? 30_000,
    bodyIdleMs: options.bodyIdleMs ?? 10_000,
    clock: options.clock ?? systemClock,
    epochMs: options.epochMs ?? Date.now,
    environment: options.environment ?? process.env,
  };
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value !== "number" || value > 0) continue;
    throw new StoreError({
      code: "CONFIG_INVALID",
      operation: "parse",
      subject: name,
      message: `${value} is no such limit; give a positive number`,
    });
  }
  return settings;
}

import { algorithms, isStoreError, parseDigest } from "@bitstore/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatStoreUrl } from "../src/url/format-store-url.ts";
import { parseStoreUrl } from "../src/url/parse-store-url.ts";
import type { StoreLocation, StoreOptions } from "../src/url/store-url.ts";

const word = fc.stringMatching(/^[a-z][a-z0-9]{2,11}$/);
// Key prefixes may hold any text that is well formed and has no control characters.
const segment = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
  // oxlint-disable-next-line no-control-regex -- control characters are what it leaves out
  .filter((text) => !/[\u0000-\u001f\u007f/]/.test(text) && text.isWellFormed());
const prefix = fc
  .array(segment, { maxLength: 3 })
  .map((parts) => parts.map((p) => `${p}/`).join(""));

const location: fc.Arbitrary<StoreLocation> = fc.oneof(
  fc.record({ kind: fc.constantFrom("s3" as const, "gs" as const), bucket: word, prefix }),
  fc.record({
    kind: fc.constant("az" as const),
    service: fc.constantFrom(undefined, "https://acct.blob.core.windows.net"),
    container: word,
    prefix,
  }),
  fc.record({
    kind: fc.constant("file" as const),
    directory: fc
      .array(
        segment.filter((part) => part !== "." && part !== ".."),
        { minLength: 1, maxLength: 3 },
      )
      .map((parts) => `/${parts.join("/")}`),
  }),
  fc.constant({ kind: "memory" as const }),
  fc.record({
    kind: fc.constant("http" as const),
    template: fc
      .tuple(word, word)
      .map(([a, b]) => `https://${a}.example/${b}/{hex}?v=${b}&k={digest}`),
  }),
  fc.record({
    kind: fc.constant("bitstore" as const),
    base: word.map((host) => `https://${host}`),
  }),
);

const flag = fc.boolean();
const plain: fc.Arbitrary<StoreOptions> = fc.record(
  {
    name: word,
    role: fc.constantFrom("source" as const, "cache" as const),
    origin: flag,
    readOnly: flag,
    heal: flag,
    hedge: flag,
    price: fc.record({
      perRequest: fc.integer({ min: 0, max: 10 ** 9 }).map((n) => n / 10 ** 6),
      currency: fc.constantFrom("USD", "EUR"),
    }),
    fill: fc.array(word, { maxLength: 4 }),
    onFailure: fc.constantFrom("next" as const, "stop" as const),
    negativeTtlMs: fc.integer({ min: 0, max: 10_000 }),
    timeoutMs: fc.integer({ min: 1, max: 10_000 }),
    concurrencyMax: fc.integer({ min: 1, max: 1024 }),
  },
  { requiredKeys: [] },
);
const httpOnly: fc.Arbitrary<StoreOptions> = fc.record(
  {
    canary: fc.stringMatching(/^[0-9a-f]{40}$/).map((hex) => parseDigest(hex)),
    algorithm: fc.constantFrom(...algorithms),
    put: flag,
    headers: fc.record({ "x-team": fc.stringMatching(/^[ -~]{0,20}$/) }),
  },
  { requiredKeys: [] },
);

describe("store URLs", () => {
  it("parse back from their own text, whatever they hold", () => {
    fc.assert(
      fc.property(location, plain, httpOnly, (where, options, more) => {
        const url = {
          location: where,
          options: where.kind === "http" ? { ...options, ...more } : options,
        };
        const text = formatStoreUrl(url);
        fc.pre(
          text.length <= 4096 && !("prefix" in where && Buffer.byteLength(where.prefix) > 512),
        );
        expect(parseStoreUrl(text, "/elsewhere")).toEqual(url);
      }),
      { numRuns: 1500 },
    );
  });

  it("that are garbage are refused with a StoreError, never anything else", () => {
    // Text is made of pieces that mean something to the parser, in an order that means nothing.
    const piece = fc.oneof(
      fc.constantFrom(
        ..."s3:|gs:|az:|file:|memory:|http:|https:|bitstore+https:|//|/|?|&|=|#|@|%|%2F|%7B|{|}|{hex}".split(
          "|",
        ),
        ..."{digest}|header.|query.|role|cache|origin|layout|flat|endpoint|[|]|:|\\|\n|\0|..|~".split(
          "|",
        ),
      ),
      fc.string({ unit: "binary", maxLength: 8 }),
      word,
    );
    const garbage = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(""));
    let taken = 0;
    fc.assert(
      fc.property(garbage, (text) => {
        try {
          const parsed = parseStoreUrl(text, "/base");
          taken += 1;
          expect(parseStoreUrl(formatStoreUrl(parsed), "/elsewhere")).toEqual(parsed);
        } catch (error) {
          if (!isStoreError(error, "INVALID_ARGUMENT")) throw error;
          // oxlint-disable-next-line no-control-regex -- the message must have none
          expect(error.message).not.toMatch(/[\u0000-\u001f]/);
        }
      }),
      { numRuns: 5000 },
    );
    // Some of it is a store after all, mostly a path: then the round trip was tested on it.
    expect(taken).toBeGreaterThan(100);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  blockBytesMax,
  blocksInFlight,
  blocksMax,
  nextBlockBytes,
  objectBytesMax,
} from "../src/block-bytes.ts";
import { checkAzureKey } from "../src/check-azure-key.ts";
import { wasNeverSent } from "../src/transport-failures.ts";
import { parseContentRange } from "../src/content-range.ts";

const mebibyte = 2 ** 20;

describe("the bytes of a block", () => {
  it.each([
    ["unknown", undefined, 72 * 2 ** 40],
    ["known", objectBytesMax, objectBytesMax],
  ])("let large objects fit, their size %s", (_, size, least) => {
    // Walks the blocks of an object that grows until no further one is allowed.
    let offset = 0;
    for (let block = 0; block < blocksMax; block += 1) {
      offset += nextBlockBytes(8 * mebibyte, offset, size);
    }
    expect(offset).toBeGreaterThanOrEqual(least);
  });

  it("are the part size where that suffices, and never more than the service takes", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: blockBytesMax }),
        fc.maxSafeNat(),
        fc.option(fc.integer({ min: 0, max: objectBytesMax }), { nil: undefined }),
        (partBytes, offset, size) => {
          const bytes = nextBlockBytes(partBytes, offset, size);
          expect(bytes).toBeGreaterThanOrEqual(partBytes);
          expect(bytes).toBeLessThanOrEqual(blockBytesMax);
          if (size !== undefined) expect(bytes * blocksMax).toBeGreaterThanOrEqual(size);
        },
      ),
    );
    expect(nextBlockBytes(8 * mebibyte, 0, 400 * 2 ** 30)).toBeGreaterThan(8 * mebibyte);
    expect(nextBlockBytes(8 * mebibyte, 39 * 2 ** 30, undefined)).toBe(8 * mebibyte);
  });

  it("that have grown are fewer at a time", () => {
    expect(blocksInFlight(8, 4, 8)).toBe(4);
    expect(blocksInFlight(8, 4, 9)).toBe(3);
    expect(blocksInFlight(8, 4, 16)).toBe(2);
    expect(blocksInFlight(8, 4, 4000)).toBe(1);
  });
});

describe("keys", () => {
  const check = (key: string) => (): void => checkAzureKey(key, "put", "az://box");

  it.each([
    ["a backslash, which becomes a slash", "a\\b"],
    ["dots at the end, which are dropped", "a."],
    ["dots at the end of a segment", "a./b"],
    ["a segment that is resolved", "a/./b"],
    ["a segment that is resolved", "../b"],
    ["more than 254 segments", "a/".repeat(254) + "a"],
    ["a control character of the second kind", "a\u0085"],
    ["what XML can't hold", "a\ufffe"],
    ["more than 1024 bytes", "é".repeat(513)],
  ])("with %s are refused", (_, key) => {
    expect(check(key)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });

  it.each(["a//b", "/a", "a/", ".hidden", "a..b", "a/".repeat(253) + "a", "é".repeat(512)])(
    "such as %s are taken",
    (key) => {
      expect(check(key)).not.toThrow();
    },
  );
});

describe("failures", () => {
  it.each(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ERR_PROXY_TUNNEL", "CERT_HAS_EXPIRED"])(
    "by %s show that nothing was sent",
    (code) => {
      expect(wasNeverSent(code)).toBe(true);
    },
  );

  it.each([undefined, "ECONNRESET", "EPIPE", "ETIMEDOUT", "InternalError", "PARSE_ERROR"])(
    "by %s do not",
    (code) => {
      expect(wasNeverSent(code)).toBe(false);
    },
  );
});

describe("content ranges", () => {
  it("are half-open when parsed", () => {
    expect(parseContentRange("bytes 0-4/5")).toEqual({ start: 0, end: 5, size: 5 });
    expect(parseContentRange("bytes 0--1/0")).toEqual({ start: 0, end: 0, size: 0 });
  });

  it.each([undefined, "", "bytes */5", "bytes 1-2/*", "bytes 1-2", "items 1-2/3", "bytes 1-2/3x"])(
    "such as %s are none",
    (header) => {
      expect(parseContentRange(header)).toBeUndefined();
    },
  );
});

import { describe, expect, test } from "vitest";
import { isStoreError } from "@bitstore/core";
import { checkHeaders, headersMax } from "../../src/limits/request-headers.ts";
import { checkTarget, parseTarget } from "../../src/limits/request-target.ts";

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isStoreError(error)) return error.code;
    throw error;
  }
  return "none";
}

describe("request targets", () => {
  test("are decoded once, segment by segment", () => {
    // A slash that was written as %2F stays in its segment, for the names of tags.
    expect(parseTarget("/")).toEqual({ segments: [], search: "" });
    expect(parseTarget("/v1/tags/a%2Fb%2fc/blob?seq=1").segments).toEqual([
      "v1",
      "tags",
      "a/b/c",
      "blob",
    ]);
    expect(parseTarget("/v1/blobs/sha256%3Aab?x=%41&y=a+b").search).toBe("x=%41&y=a+b");
  });

  test("that two parsers may read in two ways are refused", () => {
    // Each of these has reached a file or another host in some server.
    const attacks = [
      "",
      "*",
      "v1/blobs",
      "http://evil.example/v1/blobs",
      "//evil.example/v1/blobs",
      "/v1/../admin",
      "/v1/./blobs",
      "/v1/%2e%2e/admin",
      "/v1/%2E./admin",
      "/v1/.%2e/admin",
      "/v1/tags/a%2f..%2f..%2fb",
      "/v1/tags/a%2f%2e%2e%2fb",
      "/v1/..;/admin",
      "/v1/tags/..;x%2fb",
      "/v1//blobs",
      "/v1/blobs/",
      "/v1/%252e%252e/admin",
      "/v1/tags/a%252fb",
      "/v1/a%00b",
      "/v1/a%0d%0aX-Evil:1",
      "/v1/a%7fb",
      "/v1/%c0%ae%c0%ae/admin",
      "/v1/%c0%afadmin",
      "/v1/%e0%80%af",
      "/v1/%f0%80%80%af",
      "/v1/%ed%a0%80",
      "/v1/%ff",
      "/v1/%",
      "/v1/%4",
      "/v1/%zz",
      "/v1\\..\\admin",
      "/v1/..%5cadmin",
      "/v1/a b",
      "/v1/a\tb",
      "/v1/a#b",
      "/v1/\u00e9",
      "/v1/a?b=%00",
      "/v1/a?b=%ff",
      "/v1/a?b=%",
      `/${"a/".repeat(20)}a`,
    ];
    for (const target of attacks) {
      expect([target, codeOf(() => parseTarget(target))]).toEqual([target, "INVALID_ARGUMENT"]);
      expect([target, codeOf(() => checkTarget(target))]).toEqual([target, "INVALID_ARGUMENT"]);
    }
    expect(codeOf(() => parseTarget(`/${"a".repeat(8192)}`))).toBe("TOO_LARGE");
  });
});

describe("request headers", () => {
  test("that decide twice, or frame a body in two ways, are refused", () => {
    // The second line of each pair is what a proxy in front may have gone by.
    const attacks: string[][] = [
      ["Content-Length", "5", "Content-Length", "6"],
      ["Content-Length", "5", "content-length", "5"],
      ["Content-Length", "5", "Transfer-Encoding", "chunked"],
      ["Content-Length", "+5"],
      ["Content-Length", "-1"],
      ["Content-Length", "0x5"],
      ["Content-Length", "5, 6"],
      ["Content-Length", "1".repeat(17)],
      ["Transfer-Encoding", "identity"],
      ["Transfer-Encoding", "gzip, chunked"],
      ["Transfer-Encoding", "chunked, chunked"],
      ["Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"],
      ["Transfer-Encoding", "xchunked"],
      ["Host", "a", "HOST", "b"],
      ["Authorization", "Bearer a", "authorization", "Bearer b"],
      ["Origin", "https://a.example", "Origin", "https://b.example"],
      ["Range", "bytes=0-1", "Range", "bytes=2-3"],
      ["Bitstore-Receipt", "a", "bitstore-receipt", "b"],
    ];
    for (const raw of attacks) {
      expect([raw, codeOf(() => checkHeaders(raw))]).toEqual([raw, "INVALID_ARGUMENT"]);
    }
    const fine = ["Host", "a", "Content-Length", "5", "Accept", "a", "Accept", "b"];
    expect(codeOf(() => checkHeaders(fine))).toBe("none");
    expect(codeOf(() => checkHeaders(["Transfer-Encoding", "Chunked"]))).toBe("none");
  });

  test("are counted", () => {
    // One more than may be.
    const some = (count: number): string[] =>
      Array.from({ length: count }, (_, at) => [`x-${at}`, ""]).flat();
    expect(codeOf(() => checkHeaders(some(headersMax)))).toBe("none");
    expect(codeOf(() => checkHeaders(some(headersMax + 1)))).toBe("TOO_LARGE");
  });
});

import { isStoreError } from "@bitstore/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseStoreUrl } from "../src/url/parse-store-url.ts";
import { redactUrl } from "../src/url/redact-url.ts";

// Secrets of the shapes that services hand out: base64 with its slashes and plus signs among them.
const secret = fc
  .string({
    unit: fc.constantFrom(...Array.from("ABCDEFGHabcdefgh0123456789/+=_-")),
    minLength: 16,
    maxLength: 40,
  })
  .filter((text) => /^[A-Za-z0-9]/.test(text));

describe("redactUrl", () => {
  it.each([
    ["s3://models/a/?region=eu&origin", "s3://models/a/?region=eu&origin"],
    ["s3://KEY:SECRET@models/", "s3://***@models/"],
    ["s3://KEY:SEC/RET+x=@models/a", "s3://***@models/a"],
    ["https://user@h/{hex}", "https://***@h/{hex}"],
    ["https://h:8080/{hex}", "https://h:8080/{hex}"],
    ["https://[::1]:8080/{hex}", "https://[::1]:8080/{hex}"],
    ["s3://models/a@b/", "s3://models/a@b/"],
    [
      "https://a.blob.core.windows.net/c/?sv=1&sig=abc",
      "https://a.blob.core.windows.net/c/?sv=***&sig=***",
    ],
    ["https://h/{hex}?%73ig=abc", "https://h/{hex}?%73ig=***"],
    ["https://h/{hex}?header.x-a=abc", "https://h/{hex}?header.x-a=***"],
    [
      "https://h/{hex}?header.authorization=Bearer%20env:T",
      "https://h/{hex}?header.authorization=Bearer%20env:T",
    ],
    ["s3://models/?endpoint=http://u:p@h", "s3://models/?endpoint=***"],
    ["AccountName=a;AccountKey=abc==;X=y", "AccountName=a;AccountKey=***;X=y"],
    ["s3://models/\u001b[31m\u202e", "s3://models/\\u001b[31m\\u202e"],
  ])("shows %j as %j", (input, shown) => {
    expect(redactUrl(input)).toBe(shown);
  });

  it("never shows a secret, wherever it was put, and the parser refuses it without showing it", () => {
    // The secret goes into each place where people put one. Neither the redacted text nor the
    // refusal may hold it.
    const places: readonly ((text: string) => string)[] = [
      (text) => `s3://AKIA:${text}@models/prefix/`,
      (text) => `https://user:${text}@h/{hex}`,
      (text) => `https://${text}@h/{hex}`.replace("//", "//x:"),
      (text) => `https://a.blob.core.windows.net/files/?sv=2024&sig=${encodeURIComponent(text)}`,
      (text) => `https://h/{hex}?header.authorization=Bearer%20${encodeURIComponent(text)}`,
      (text) => `https://h/{hex}?header.x-api-key=${text}`,
      (text) => `https://h/{hex}?query.access_token=${text}`,
      (text) => `https://h/{hex}?token=${text}`,
      (text) => `s3://models/?secretAccessKey=${text}`,
      (text) => `s3://models/?X-Amz-Signature=${text}`,
      (text) => `s3://models/?anything=${text}`,
      (text) => `s3://models/?endpoint=http://u:${text}@h`,
      (text) => `DefaultEndpointsProtocol=https;AccountName=a;AccountKey=${text};`,
    ];
    fc.assert(
      fc.property(secret, fc.constantFrom(...places), (text, place) => {
        const url = place(text);
        const holds = (shown: string): boolean =>
          shown.includes(text) || shown.includes(encodeURIComponent(text));
        expect(holds(redactUrl(url))).toBe(false);
        let refused: unknown;
        try {
          parseStoreUrl(url, "/base");
        } catch (error) {
          refused = error;
        }
        expect(isStoreError(refused, "INVALID_ARGUMENT")).toBe(true);
        expect(holds(String(refused))).toBe(false);
      }),
      { numRuns: 600 },
    );
  });
});

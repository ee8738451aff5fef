import { parseDigest } from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { parseUrlTemplate } from "../src/url-template.ts";
import { shownUrl } from "../src/shown-url.ts";

const hex = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08".toLowerCase();
const digest = parseDigest(`sha256:${hex}`);
const sha1 = parseDigest("sha1:a94a8fe5ccb19ba61c4c0873d391e987982fbbd3");

describe("a URL template", () => {
  // Each placeholder is put where a digest's URL shows it; what is inserted is percent-encoded.
  test.each([
    ["https://h/{hex}", `/${hex}`],
    ["https://h/b/{digest}", `/b/sha256%3A${hex}`],
    ["https://h/{algorithm}/{hex}", `/sha256/${hex}`],
    ["https://h/{hex:0:2}/{hex:2:4}/{hex}", `/9f/86/${hex}`],
    ["https://h/{hex:0:2}/{hex:2:}", `/9f/${hex.slice(2)}`],
    ["http://h:8080/get?id={hex}&v=1", `/get?id=${hex}&v=1`],
    ["https://h/a b/{hex}.bin", `/a%20b/${hex}.bin`],
    ["https://h/x/../y/{hex}", `/y/${hex}`],
  ])("%s", (template, path) => {
    expect(parseUrlTemplate(template).path(digest)).toBe(path);
  });

  test("names the algorithms that it can carry", () => {
    expect(parseUrlTemplate("https://h/{hex}").algorithms).toEqual(["sha256"]);
    expect(parseUrlTemplate("https://h/{hex}", { algorithm: "sha1" }).algorithms).toEqual(["sha1"]);
    expect(parseUrlTemplate("https://h/{digest}").algorithms).toContain("blake3");
    const some = parseUrlTemplate("https://h/{digest}", { algorithms: ["sha1", "sha512"] });
    expect(some.algorithms).toEqual(["sha1", "sha512"]);
    expect(some.path(sha1)).toContain("/sha1%3Aa94a");
  });

  // Every mistake is refused when the source is made, with a message that says what to write.
  test.each([
    ["https://h/blobs", /no digest in it; put \{digest\}/],
    ["https://h/{algorithm}", /no digest in it/],
    ["https://h/{hex:0:2}", /slices leave digits out/],
    ["https://h/{hex:0:2}/{hex:3:64}", /slices leave digits out/],
    ["https://h/{hex:2:1}{hex}", /is no placeholder/],
    ["https://h/{sha256}", /\{sha256\} is no placeholder/],
    ["https://h/{hex", /a brace is open/],
    ["https://h/hex}", /a brace is open/],
    ["https://{hex}.h/", /can't be in the host/],
    ["https://user:pw@h/{hex}", /use headers/],
    ["ftp://h/{hex}", /starts with https/],
    ["file:///{hex}", /starts with https/],
    ["h/{hex}", /starts with https/],
    ["", /starts with https/],
    ["https://h/{hex}#part", /fragment/],
    ["https://h:99999/{hex}", /no URL/],
    ["https://h/{hex}/..", /dot segment/],
  ])("refuses %s", (template, message) => {
    const parse = (): unknown => parseUrlTemplate(template);
    expect(parse).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    expect(parse).toThrow(message);
    expect(parse).not.toThrow(/pw/);
  });

  test("refuses several algorithms where only the hex tells blobs apart", () => {
    const algorithms = ["sha256", "blake3"] as const;
    expect(() => parseUrlTemplate("https://h/{hex}", { algorithms })).toThrow(/add \{algorithm\}/);
  });
});

// Secrets may stand in a query or as user info; a message shows the URL without them.
test.each([
  ["https://h/{hex}?api_key=abc&v=2", "https://h/{hex}?api_key=***&v=2"],
  ["https://h/{hex}?key={hex}", "https://h/{hex}?key={hex}"],
  ["https://h/b?sv=1&sig=abc%3D", "https://h/b?sv=1&sig=***"],
  [
    "https://h/b?X-Amz-Signature=a&X-Amz-Credential=b",
    "https://h/b?X-Amz-Signature=***&X-Amz-Credential=***",
  ],
  ["https://h/b?access_token=a&monkey=b&flag", "https://h/b?access_token=***&monkey=b&flag"],
  ["https://user:pw@h/b#secret", "https://h/b"],
  ["https://h/b", "https://h/b"],
])("%s is shown without secrets", (url, shown) => {
  expect(shownUrl(url)).toBe(shown);
});

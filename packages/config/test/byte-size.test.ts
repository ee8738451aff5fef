import { describe, expect, it } from "vitest";
import { parseByteSize } from "../src/byte-size.ts";

describe("parseByteSize", () => {
  // Units with an i are powers of 1024, the others of 1000, in any case.
  it.each([
    ["0", 0],
    ["4096", 4096],
    ["1B", 1],
    ["1kB", 1000],
    ["1KiB", 1024],
    ["256MiB", 256 * 2 ** 20],
    ["50GiB", 50 * 2 ** 30],
    ["50 gib", 50 * 2 ** 30],
    ["200MB", 200_000_000],
    ["1.5MiB", 1.5 * 2 ** 20],
    ["0.1KiB", 102],
    ["2TiB", 2 ** 41],
    ["1PiB", 2 ** 50],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ])("reads %s", (text, size) => {
    expect(parseByteSize(text)).toBe(size);
  });

  it.each([
    "",
    "GiB",
    "1 2",
    "1Gi",
    "1GiBs",
    "-1",
    "+1",
    "1e3",
    "0x10",
    "1,5MiB",
    "1.5",
    "NaN",
    "١",
    "9007199254740992",
    "9000PiB",
  ])("refuses %j", (text) => {
    expect(() => parseByteSize(text)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });
});

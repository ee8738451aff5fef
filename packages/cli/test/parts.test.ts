import { errorTable, type ErrorCode } from "@bitstore/core";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { escapeControls, jsonLine } from "../src/frame/escape-controls.ts";
import { exitStatus } from "../src/frame/exit-status.ts";
import { mapOrdered } from "../src/frame/map-ordered.ts";
import { toStoreError } from "../src/frame/system-error.ts";
import { formatBytes, formatCount, formatMs } from "../src/frame/units.ts";
import { parseDuration } from "../src/input/parse-duration.ts";
import { readLines } from "../src/input/read-lines.ts";
import { terminalGuard } from "../src/output/terminal-guard.ts";

/** Shows the parts that need no process: each by what it answers. */
describe("exit statuses", () => {
  it("come from the error table, the most alarming first", () => {
    for (const code of Object.keys(errorTable) as ErrorCode[]) {
      expect(exitStatus([code])).toBe(errorTable[code].exit);
    }
    expect(exitStatus([])).toBe(0);
    expect(exitStatus(["NOT_FOUND", "UNAVAILABLE"])).toBe(7);
    expect(exitStatus(["DIGEST_MISMATCH", "UNAVAILABLE", "NOT_FOUND"])).toBe(4);
    expect(exitStatus(["ABORTED", "INTERNAL"])).toBe(130);
  });
});

describe("mapOrdered", () => {
  it("yields in order, works on no more than it may, and pulls no further than it must", async () => {
    let running = 0;
    let most = 0;
    let pulled = 0;
    function* input(): Generator<number> {
      for (let item = 0; item < 500; item += 1) {
        pulled += 1;
        yield item;
      }
    }
    const results: number[] = [];
    for await (const result of mapOrdered(input(), 4, async (item) => {
      running += 1;
      most = Math.max(most, running);
      for (let turn = 0; turn < (item * 7) % 5; turn += 1) await setImmediate();
      running -= 1;
      return item;
    })) {
      results.push(result);
      expect(pulled - results.length).toBeLessThanOrEqual(4 * 8);
    }
    expect(results).toEqual(Array.from({ length: 500 }, (_, at) => at));
    expect(most).toBe(4);
  });

  it("hands out what is done while the input makes it wait", async () => {
    const more = Promise.withResolvers<void>();
    async function* input(): AsyncGenerator<number> {
      yield 1;
      await more.promise;
      yield 2;
    }
    const results = mapOrdered(input(), 8, (item) => Promise.resolve(item));
    expect(await results.next()).toEqual({ done: false, value: 1 });
    more.resolve();
    expect(await results.next()).toEqual({ done: false, value: 2 });
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  it("throws what the input or the work throws, in its turn", async () => {
    async function* input(): AsyncGenerator<number> {
      yield 1;
      throw new Error("the input broke");
    }
    const results = mapOrdered(input(), 8, (item) => Promise.resolve(item));
    expect(await results.next()).toMatchObject({ value: 1 });
    await expect(results.next()).rejects.toThrow("the input broke");
    const failing = mapOrdered([1, 2], 1, (item) =>
      item === 2 ? Promise.reject(new Error("no")) : Promise.resolve(item),
    );
    expect(await failing.next()).toMatchObject({ value: 1 });
    await expect(failing.next()).rejects.toThrow("no");
  });

  it("ends where the loop is left while the input waits", async () => {
    async function* input(): AsyncGenerator<number> {
      yield 1;
      await new Promise(() => undefined);
    }
    for await (const result of mapOrdered(input(), 8, (item) => Promise.resolve(item))) {
      expect(result).toBe(1);
      break;
    }
  });
});

describe("text", () => {
  it("is shown with what a terminal would act on escaped", () => {
    expect(escapeControls("a\u001b[0m\r\n\u009b\u202e\u2028b")).toBe(
      "a\\u001b[0m\\u000d\\u000a\\u009b\\u202e\\u2028b",
    );
    const record = { name: "\u001b\u009b\u202e" };
    expect(jsonLine(record)).not.toMatch(/[\u001b\u009b\u202e]/);
    expect(JSON.parse(jsonLine(record))).toEqual(record);
  });

  it("gives sizes, times and counts in units", () => {
    expect([0, 1023, 1024, 1048570, 5_500_000_000].map(formatBytes)).toEqual([
      "0 B",
      "1023 B",
      "1.0 KiB",
      "1.0 MiB",
      "5.1 GiB",
    ]);
    expect([0.04, 12.4, 999, 1000, 59_949, 61_000, 3_660_000].map(formatMs)).toEqual([
      "0.0 ms",
      "12 ms",
      "999 ms",
      "1.0 s",
      "59.9 s",
      "1m 01s",
      "1h 01m",
    ]);
    expect([formatCount(1, "blob"), formatCount(1234, "blob")]).toEqual(["1 blob", "1,234 blobs"]);
    expect([parseDuration("45s"), parseDuration("2w")]).toEqual([45_000, 1_209_600_000]);
    expect(() => parseDuration("1.5h")).toThrow(/number and a unit/);
  });

  it("is split into lines wherever the chunks are cut", async () => {
    const bytes = Buffer.from("\ufeffone\nzwei ä\n\nlast");
    for (const size of [1, 3, 100]) {
      const lines: string[] = [];
      async function* chunks(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
      }
      for await (const line of readLines(chunks(), "list")) lines.push(line);
      expect(lines).toEqual(["one", "zwei ä", "", "last"]);
    }
  });
});

describe("what was thrown", () => {
  it("becomes an error of the table", () => {
    const system = (code: string): Error => Object.assign(new Error(code), { code });
    const codeOf = (error: unknown): string => toStoreError(error, "put").code;
    expect(codeOf(system("ENOENT"))).toBe("INVALID_ARGUMENT");
    expect(codeOf(system("EACCES"))).toBe("PERMISSION_DENIED");
    expect(codeOf(system("ENOSPC"))).toBe("UNAVAILABLE");
    expect(codeOf(new TypeError("a defect"))).toBe("INTERNAL");
    expect(codeOf(new DOMException("gone", "AbortError"))).toBe("ABORTED");
  });
});

describe("a terminal", () => {
  it("is spared control characters, unless it is asked for them", () => {
    expect(() => terminalGuard(true)(Buffer.from("text\tand\r\nlines ä"))).not.toThrow();
    expect(() => terminalGuard(true)(Buffer.from("\u001b[2J"))).toThrow(/control characters/);
    expect(() => terminalGuard(false)(Buffer.from("\u001b[2J"))).not.toThrow();
  });
});

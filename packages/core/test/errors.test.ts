import { readFileSync } from "node:fs";
import { join } from "node:path";
import { abortedError, type ErrorCode, errorTable, isStoreError, StoreError } from "@bitstore/core";
import { describe, expect, test } from "vitest";

const page = readFileSync(join(import.meta.dirname, "..", "..", "..", "docs", "errors.md"), "utf8");
const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (\d+) \| (\d+) \| (yes|no) \|/gm)];

describe("the table of errors", () => {
  // In both directions: what the page says of a code is what the table says, and no code is missing.
  test("is what docs/errors.md says", () => {
    const documented = rows.map(([, code, http, exit, transient]) => [
      code,
      { http: Number(http), exit: Number(exit), transient: transient === "yes" },
    ]);
    expect(Object.fromEntries(documented)).toEqual(errorTable);
    expect(documented).toHaveLength(Object.keys(errorTable).length);
  });

  test("makes the persistence that is not given", () => {
    for (const [code, { transient }] of Object.entries(errorTable)) {
      const error = new StoreError({ code: code as ErrorCode, operation: "open", message: "x" });
      expect(error.persistence).toBe(transient ? "transient" : "permanent");
    }
  });
});

describe("a StoreError", () => {
  // One line: operation, subject, source, what.
  test("says it in one line", () => {
    const error = new StoreError({
      code: "UNAVAILABLE",
      operation: "open",
      subject: "sha256:4bc3…",
      source: "s3://models",
      message: "unavailable after 4 attempts",
    });
    expect(error.message).toBe("open sha256:4bc3…: s3://models: unavailable after 4 attempts");
  });

  // Two copies of the package may be installed, so a class can't be relied on.
  test("is recognised by its code alone", () => {
    const foreign = Object.assign(new Error("x"), { code: "NOT_FOUND", persistence: "permanent" });
    expect(isStoreError(foreign, "NOT_FOUND")).toBe(true);
    expect(isStoreError(foreign, "ABORTED")).toBe(false);
    expect(isStoreError(Object.assign(new Error("x"), { code: "ENOENT" }))).toBe(false);
    expect(isStoreError(Object.assign(new Error(), { code: "toString", persistence: "" }))).toBe(
      false,
    );
  });

  test("passes an abort's own reason on where it is one", () => {
    const reason = new StoreError({ code: "TIMEOUT", operation: "open", message: "late" });
    expect(abortedError("open", AbortSignal.abort(reason))).toBe(reason);
    expect(abortedError("open", AbortSignal.abort("because")).code).toBe("ABORTED");
  });
});

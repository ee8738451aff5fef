import { describe, expect, it } from "vitest";
import { isStoreError, StoreError } from "@bitstore/core";
import { diskFault, toStoreError } from "../src/disk-fault.ts";

function failure(fields: { readonly code?: string; readonly errcode?: number }): Error {
  return Object.assign(new Error("as the system says it"), fields);
}

describe("errors of the disk", () => {
  // Codes as Node 24 and SQLite give them; each has one meaning, one code of ours, one clause.
  const table: readonly [Parameters<typeof failure>[0], string, string, string][] = [
    [{ code: "ENOENT" }, "absent", "UNAVAILABLE", "vanished"],
    [{ code: "ENOTDIR" }, "absent", "UNAVAILABLE", "vanished"],
    [{ code: "ENOSPC" }, "full", "UNAVAILABLE", "disk full"],
    [{ code: "EDQUOT" }, "full", "UNAVAILABLE", "disk full"],
    [{ code: "EFBIG" }, "full", "UNAVAILABLE", "disk full"],
    [{ code: "EACCES" }, "denied", "PERMISSION_DENIED", "permission"],
    [{ code: "EPERM" }, "denied", "PERMISSION_DENIED", "permission"],
    [{ code: "EROFS" }, "denied", "PERMISSION_DENIED", "permission"],
    [{ code: "EMFILE" }, "handles", "UNAVAILABLE", "too many open files"],
    [{ code: "EIO" }, "other", "UNAVAILABLE", "the disk failed (EIO)"],
    [{ code: "ERR_SQLITE_ERROR", errcode: 5 }, "busy", "UNAVAILABLE", "locked by another process"],
    [{ code: "ERR_SQLITE_ERROR", errcode: 517 }, "busy", "UNAVAILABLE", "locked"],
    [{ code: "ERR_SQLITE_ERROR", errcode: 11 }, "corrupt", "UNAVAILABLE", "damaged"],
    [{ code: "ERR_SQLITE_ERROR", errcode: 522 }, "corrupt", "UNAVAILABLE", "damaged"],
    [{ code: "ERR_SQLITE_ERROR", errcode: 26 }, "corrupt", "UNAVAILABLE", "damaged"],
    [{ code: "ERR_SQLITE_ERROR", errcode: 13 }, "full", "UNAVAILABLE", "disk full"],
    [{ code: "ERR_SQLITE_ERROR", errcode: 4874 }, "full", "UNAVAILABLE", "disk full"],
    [{ code: "ERR_SQLITE_ERROR", errcode: 14 }, "moved", "UNAVAILABLE", "can't be opened"],
    [{ code: "ERR_SQLITE_ERROR", errcode: 1032 }, "moved", "UNAVAILABLE", "can't be opened"],
    [{ code: "ERR_INVALID_STATE" }, "moved", "UNAVAILABLE", "can't be opened"],
    [{}, "other", "UNAVAILABLE", "the disk failed"],
  ];
  for (const [fields, fault, code, clause] of table) {
    it(`${fields.errcode ?? fields.code ?? "anything else"} is ${fault}`, () => {
      const error = failure(fields);
      expect(diskFault(error)).toBe(fault);
      const mapped = toStoreError(error, { operation: "put", source: "cache" });
      expect(isStoreError(mapped) && mapped.code).toBe(code);
      expect(mapped.message).toMatch(/^put cache: /);
      expect(mapped.message).toContain(clause);
      expect(mapped.cause).toBe(error);
    });
  }

  it("passes our own errors as they are, and takes anything", () => {
    const own = new StoreError({ code: "TOO_LARGE", operation: "put", message: "too large" });
    expect(toStoreError(own, { operation: "open", source: "cache" })).toBe(own);
    expect(diskFault("no error")).toBe("other");
  });
});

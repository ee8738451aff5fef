import { type ErrorCode, type Persistence, StoreError } from "@bitstore/core";
import { toStoreError } from "@bitstore/bucket-fs";
import { describe, expect, it } from "vitest";

// Each error of the file system has one meaning. The errors are those that node:fs throws, made by
// hand with the fields that it gives them.

const table: readonly [errno: string, code: ErrorCode, persistence: Persistence][] = [
  ["ENOSPC", "UNAVAILABLE", "permanent"],
  ["EDQUOT", "UNAVAILABLE", "permanent"],
  ["EFBIG", "TOO_LARGE", "permanent"],
  ["EACCES", "PERMISSION_DENIED", "permanent"],
  ["EPERM", "PERMISSION_DENIED", "permanent"],
  ["EROFS", "PERMISSION_DENIED", "permanent"],
  ["ELOOP", "PERMISSION_DENIED", "permanent"],
  ["EMFILE", "UNAVAILABLE", "transient"],
  ["ENFILE", "UNAVAILABLE", "transient"],
  ["ENOMEM", "UNAVAILABLE", "transient"],
  ["EAGAIN", "UNAVAILABLE", "transient"],
  ["EBUSY", "UNAVAILABLE", "transient"],
  ["EINTR", "UNAVAILABLE", "transient"],
  ["EIO", "UNAVAILABLE", "transient"],
  ["ESTALE", "UNAVAILABLE", "transient"],
  ["ETIMEDOUT", "TIMEOUT", "transient"],
  ["ENOENT", "UNAVAILABLE", "transient"],
  ["ENOTDIR", "UNAVAILABLE", "permanent"],
  ["EISDIR", "UNAVAILABLE", "permanent"],
  ["ENAMETOOLONG", "INVALID_ARGUMENT", "permanent"],
  ["EILSEQ", "INVALID_ARGUMENT", "permanent"],
  ["EXDEV", "UNSUPPORTED", "permanent"],
  ["ENOTSUP", "UNSUPPORTED", "permanent"],
  ["EOPNOTSUPP", "UNSUPPORTED", "permanent"],
  ["ENOSYS", "UNSUPPORTED", "permanent"],
  ["ENEVERSEEN", "INTERNAL", "permanent"],
];

const errorOf = (code: string): Error =>
  Object.assign(new Error(`${code}: something, open '/secret/place'`), { code, syscall: "open" });

describe("errors of the file system", () => {
  for (const [errno, code, persistence] of table) {
    it(`${errno} is ${code}, ${persistence}`, () => {
      const cause = errorOf(errno);
      const error = toStoreError(cause, "put", "file:///root/", "key");
      expect(error).toMatchObject({ code, persistence, operation: "put", subject: "key", cause });
      expect(error.message).toContain(errno);
      expect(error.message).toMatch(/^put key: file:\/\/\/root\/: [^\n]+$/);
      expect(error.message).not.toContain("/secret/place");
    });
  }

  it("anything else is INTERNAL, and a StoreError stays as it is", () => {
    for (const odd of [new TypeError("bug"), "a string", undefined, { code: "ENOENT" }]) {
      expect(toStoreError(odd, "read", "file:///root/").code).toBe("INTERNAL");
    }
    const own = new StoreError({ code: "NOT_FOUND", operation: "x", message: "y" });
    expect(toStoreError(own, "read", "file:///root/")).toBe(own);
  });
});

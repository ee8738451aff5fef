import { type ErrorCode, isStoreError, StoreError } from "@bitstore/core";

interface Row {
  readonly code: ErrorCode;
  readonly message: string;
}

const noSpace: Row = { code: "UNAVAILABLE", message: "no space is left on the device; free some" };
const refused: Row = {
  code: "PERMISSION_DENIED",
  message: "the system refuses it; check who owns it",
};

const rows: Readonly<Record<string, Row>> = {
  ENOENT: { code: "INVALID_ARGUMENT", message: "no such file or directory" },
  ENOTDIR: { code: "INVALID_ARGUMENT", message: "a part of the path is no directory" },
  EISDIR: { code: "INVALID_ARGUMENT", message: "it is a directory; name a file" },
  ENAMETOOLONG: { code: "INVALID_ARGUMENT", message: "the name is too long" },
  ELOOP: { code: "INVALID_ARGUMENT", message: "the path has too many symbolic links" },
  ENXIO: { code: "INVALID_ARGUMENT", message: "no such device, or it is a socket" },
  ERR_INVALID_ARG_VALUE: { code: "INVALID_ARGUMENT", message: "the name can't be one of a file" },
  EACCES: refused,
  EPERM: refused,
  EROFS: { code: "PERMISSION_DENIED", message: "the file system is read-only" },
  ENOSPC: noSpace,
  EDQUOT: noSpace,
  EFBIG: { code: "TOO_LARGE", message: "the file is larger than the file system takes" },
  EMFILE: { code: "UNAVAILABLE", message: "too many files are open; raise the limit (ulimit -n)" },
  ENFILE: { code: "UNAVAILABLE", message: "the system has too many open files" },
  EIO: { code: "UNAVAILABLE", message: "the device failed" },
};

/**
 * Takes whatever was thrown as a StoreError. A failed system call gets a code of the table; what is
 * not known is INTERNAL, a defect.
 */
export function toStoreError(error: unknown, operation: string, subject?: string): StoreError {
  if (isStoreError(error)) return error;
  if (error instanceof Error && error.name === "AbortError") {
    if (isStoreError(error.cause)) return error.cause;
    return new StoreError({
      code: "ABORTED",
      operation,
      subject,
      message: "aborted",
      cause: error,
    });
  }
  const row = rows[systemCode(error) ?? ""];
  if (row !== undefined) return new StoreError({ ...row, operation, subject, cause: error });
  const message = error instanceof Error ? error.message : String(error);
  return new StoreError({ code: "INTERNAL", operation, subject, message, cause: error });
}

/** Tells the code of a failed system call, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

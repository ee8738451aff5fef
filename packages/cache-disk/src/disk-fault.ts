import { type ErrorCode, isStoreError, StoreError } from "@bitstore/core";

/** What an error of the file system or of SQLite means to the cache. */
export type DiskFault =
  | "absent"
  | "busy"
  | "corrupt"
  | "denied"
  | "full"
  | "handles"
  | "moved"
  | "other";

/** By code: the system's, and Node's own for a database that was closed. */
const faultOfErrno: Readonly<Record<string, DiskFault>> = {
  ENOENT: "absent",
  ENOTDIR: "absent",
  ENOSPC: "full",
  EDQUOT: "full",
  EFBIG: "full",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
  EMFILE: "handles",
  ENFILE: "handles",
  ERR_INVALID_STATE: "moved",
};

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html). */
const faultOfResult: Readonly<Record<number, DiskFault>> = {
  5: "busy",
  6: "busy",
  8: "moved",
  11: "corrupt",
  13: "full",
  14: "moved",
  26: "corrupt",
};

/** Extended codes: a file that lacks a page that should be there; no room for shared memory. */
const faultOfExtendedResult: Readonly<Record<number, DiskFault>> = { 522: "corrupt", 4874: "full" };

/** Tells what an error means; pure, and total. */
export function diskFault(error: unknown): DiskFault {
  if (!(error instanceof Error)) return "other";
  if ("errcode" in error && typeof error.errcode === "number") {
    const { errcode } = error;
    return faultOfExtendedResult[errcode] ?? faultOfResult[errcode & 0xff] ?? "other";
  }
  if ("code" in error && typeof error.code === "string") {
    return faultOfErrno[error.code] ?? "other";
  }
  return "other";
}

export interface FaultPlace {
  readonly operation: string;
  readonly subject?: string | undefined;
  readonly source: string;
}

const codeOfFault: Readonly<Record<DiskFault, ErrorCode>> = {
  absent: "UNAVAILABLE",
  busy: "UNAVAILABLE",
  corrupt: "UNAVAILABLE",
  denied: "PERMISSION_DENIED",
  full: "UNAVAILABLE",
  handles: "UNAVAILABLE",
  moved: "UNAVAILABLE",
  other: "UNAVAILABLE",
};

const clauseOfFault: Readonly<Record<DiskFault, string>> = {
  absent: "a folder of the cache vanished; it is made again at the next try",
  busy: "the index is locked by another process; try again",
  corrupt: "the index is damaged; it is being rebuilt",
  denied: "the cache's directory can't be used; give this user read and write permission",
  full: "disk full; free space or lower bytesMax",
  handles: "too many open files; raise the limit or read fewer blobs at a time",
  moved: "the index can't be opened; see that its directory exists and is writable",
  other: "the disk failed",
};

/** Maps an error of the file system or of SQLite to ours; a StoreError passes as it is. */
export function toStoreError(error: unknown, place: FaultPlace): StoreError {
  if (isStoreError(error)) return error;
  const fault = diskFault(error);
  const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
  return new StoreError({
    code: codeOfFault[fault],
    ...place,
    message: `${clauseOfFault[fault]}${fault === "other" ? code : ""}`,
    cause: error,
  });
}

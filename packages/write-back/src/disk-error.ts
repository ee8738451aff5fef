import { type ErrorCode, isStoreError, type Persistence, StoreError } from "@bitstore/core";

interface Meaning {
  readonly code: ErrorCode;
  readonly message: string;
  readonly persistence?: Persistence;
}

const denied: Meaning = {
  code: "PERMISSION_DENIED",
  message: "the journal's directory can't be used; give this user read and write permission",
};
/** Room comes as uploads go on, so asking again later may help. */
const full: Meaning = {
  code: "UNAVAILABLE",
  message: "the journal's disk is full; free space or lower bytesMax",
};
const handles: Meaning = {
  code: "UNAVAILABLE",
  message: "too many files are open; raise the limit or put fewer blobs at a time",
};

/** What the errors of file systems mean to a put, by their names in errno(3). */
const meanings: Readonly<Record<string, Meaning>> = {
  ENOSPC: full,
  EDQUOT: full,
  EFBIG: { code: "TOO_LARGE", message: "the journal's file system takes no file of that size" },
  EACCES: denied,
  EPERM: denied,
  EROFS: denied,
  EMFILE: handles,
  ENFILE: handles,
  ENOENT: {
    code: "UNAVAILABLE",
    message: "a file or folder of the journal vanished; put it again",
  },
};

export interface DiskPlace {
  readonly operation: string;
  readonly subject?: string | undefined;
  readonly source: string;
}

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

/** Maps an error of the file system to ours; a StoreError passes as it is. */
export function toStoreError(error: unknown, place: DiskPlace): StoreError {
  if (isStoreError(error)) return error;
  const errno = errnoOf(error);
  const meaning = meanings[errno ?? ""] ?? {
    code: "UNAVAILABLE" as const,
    message: `the journal's disk failed (${errno ?? "unknown error"}); see the system's log`,
  };
  return new StoreError({ ...meaning, ...place, cause: error });
}

/** Runs a piece of work on the disk, so that what it throws is ours. */
export async function onDisk<T>(place: DiskPlace, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toStoreError(error, place);
  }
}

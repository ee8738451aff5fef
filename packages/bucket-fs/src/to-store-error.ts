import { type ErrorCode, isStoreError, type Persistence, StoreError } from "@bitstore/core";

interface Meaning {
  readonly code: ErrorCode;
  readonly message: string;
  readonly persistence?: Persistence;
}

/** What the errors of file systems mean, by their names in errno(3). */
const meanings: Readonly<Record<string, Meaning>> = {
  ENOENT: { code: "UNAVAILABLE", message: "a file or directory in use has vanished" },
  ENOTDIR: {
    code: "UNAVAILABLE",
    message: "a file is where a directory must be; move it away",
    persistence: "permanent",
  },
  EISDIR: {
    code: "UNAVAILABLE",
    message: "a directory is where a file must be; move it away",
    persistence: "permanent",
  },
  EACCES: { code: "PERMISSION_DENIED", message: "the process may not do that to the directory" },
  EPERM: {
    code: "PERMISSION_DENIED",
    message: "the file system refuses it (it may lack hard links, or the file is immutable)",
  },
  EROFS: { code: "PERMISSION_DENIED", message: "the file system is mounted read-only" },
  ELOOP: {
    code: "PERMISSION_DENIED",
    message: "a symbolic link is in the way; links under the root are not followed",
  },
  ENOSPC: {
    code: "UNAVAILABLE",
    message: "the disk is full; free some space",
    // Asking again at once does not make room, and each try writes the whole body.
    persistence: "permanent",
  },
  EDQUOT: {
    code: "UNAVAILABLE",
    message: "the disk quota is used up; free some space",
    persistence: "permanent",
  },
  EFBIG: { code: "TOO_LARGE", message: "the file system takes no file of that size" },
  EMFILE: { code: "UNAVAILABLE", message: "too many files are open; raise `ulimit -n`" },
  ENFILE: { code: "UNAVAILABLE", message: "too many files are open on this machine" },
  ENOMEM: { code: "UNAVAILABLE", message: "the machine is out of memory" },
  EAGAIN: { code: "UNAVAILABLE", message: "the file system is busy" },
  EBUSY: { code: "UNAVAILABLE", message: "the file system is busy" },
  EINTR: { code: "UNAVAILABLE", message: "the call was interrupted" },
  EIO: { code: "UNAVAILABLE", message: "the disk failed to read or write; see the system's log" },
  ESTALE: { code: "UNAVAILABLE", message: "the network file system has lost the file" },
  ETIMEDOUT: { code: "TIMEOUT", message: "the network file system did not answer" },
  ENAMETOOLONG: { code: "INVALID_ARGUMENT", message: "the path is too long for the file system" },
  EILSEQ: { code: "INVALID_ARGUMENT", message: "the file system refuses a character of the key" },
  EXDEV: {
    code: "UNSUPPORTED",
    message: "a directory under the root is on another file system; give it a bucket of its own",
  },
  ENOTSUP: { code: "UNSUPPORTED", message: "the file system can't do that" },
  EOPNOTSUPP: { code: "UNSUPPORTED", message: "the file system can't do that" },
  ENOSYS: { code: "UNSUPPORTED", message: "the file system can't do that" },
};

/** Maps an error of node:fs to a StoreError; one that is a StoreError already stays as it is. */
export function toStoreError(
  error: unknown,
  operation: string,
  source: string,
  subject?: string,
): StoreError {
  if (isStoreError(error)) return error;
  const name = errnoOf(error);
  const meaning = name === undefined ? undefined : meanings[name];
  if (meaning === undefined) {
    const message = `unexpected error ${name ?? String(error)}`;
    return new StoreError({ code: "INTERNAL", operation, source, subject, message, cause: error });
  }
  const message = `${meaning.message} (${name})`;
  return new StoreError({ ...meaning, operation, source, subject, message, cause: error });
}

/** Name of an error of node:fs, such as `ENOENT`; undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

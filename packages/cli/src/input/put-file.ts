import { type FileHandle, open } from "node:fs/promises";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import {
  type Algorithm,
  type BlobStore,
  createHasher,
  isStoreError,
  type PutResult,
} from "@bitstore/core";
import { hinted } from "../frame/hinted.ts";
import { toStoreError } from "../frame/system-error.ts";
import { oneShotBody } from "./one-shot-body.ts";
import { readFromStart } from "./read-file.ts";

export interface PutFileOptions {
  readonly algorithm: Algorithm;
  readonly signal: AbortSignal;
  readonly stdin: Readable;
  readonly cwd: string;
  /** Is told how many bytes were read, as they are; a file is read more than once. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Stores one file; `-` is standard input. A file is hashed first and then put by its digest, so that
 * it is not spooled, and what is there already is not sent. Pipes and devices can be read once only:
 * the store spools them.
 *
 * Rejects with INVALID_ARGUMENT for a directory and for what is not there; DIGEST_MISMATCH where the
 * file changed between the two passes, and nothing is stored then.
 */
export async function putFile(
  store: BlobStore,
  name: string,
  options: PutFileOptions,
): Promise<PutResult> {
  const { stdin, cwd, signal, algorithm, onBytes } = options;
  if (signal.aborted) throw signal.reason;
  if (name === "-") {
    const body = oneShotBody(stdin, { name, signal, onBytes });
    return await store.put(body, { algorithm, signal });
  }
  await using file = await open(resolve(cwd, name), "r").catch((error: unknown) => {
    throw toStoreError(error, "put", name);
  });
  const info = await file.stat();
  if (info.isDirectory()) throw directoryError(name);
  if (info.isFile()) return await putRegular(store, file, name, options);
  const stream = file.createReadStream({ autoClose: false });
  const body = oneShotBody(stream, { name, signal, onBytes });
  return await store.put(body, { algorithm, signal });
}

async function putRegular(
  store: BlobStore,
  file: FileHandle,
  name: string,
  { algorithm, signal, onBytes }: PutFileOptions,
): Promise<PutResult> {
  const hasher = await createHasher(algorithm);
  let size = 0;
  for await (const chunk of readFromStart(file)) {
    if (signal.aborted) throw signal.reason;
    hasher.update(chunk);
    size += chunk.byteLength;
    onBytes(chunk.byteLength);
  }
  const digest = hasher.digest();
  const body = async function* (): AsyncGenerator<Uint8Array, void, void> {
    // What is appended meanwhile is not part of what was hashed.
    for await (const chunk of readFromStart(file, size)) {
      onBytes(chunk.byteLength);
      yield chunk;
    }
  };
  try {
    return await store.put(body, { digest, size, signal });
  } catch (error) {
    if (!isStoreError(error, "DIGEST_MISMATCH")) throw error;
    throw hinted({
      code: "DIGEST_MISMATCH",
      operation: "put",
      subject: name,
      message: "the file changed while it was stored",
      hint: "put it again when nothing writes to it",
      cause: error,
    });
  }
}

function directoryError(name: string): Error {
  return hinted({
    code: "INVALID_ARGUMENT",
    operation: "put",
    subject: name,
    message: "it is a directory; blobs are files",
    hint: "find DIRECTORY -type f -exec bitstore put {} +",
  });
}

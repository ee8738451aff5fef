/** A lock on a file, held until it is released or its process ends, however that ends. */
export interface FileLock {
  release(): void;
}

/** A file that is being written; nobody else sees it before it is linked. */
export interface NewFile {
  /** Writes all chunks at the file's end. */
  append(chunks: readonly Uint8Array[]): Promise<void>;
  /** Resolves when what was written would outlive a loss of power. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileFacts {
  readonly isFile: boolean;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
}

export interface OpenFile extends FileFacts {
  /** Fills a buffer from a place in the file; resolves to the bytes that were there. */
  read(into: Uint8Array, at: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * The calls that the journal makes of a file system, so that a test can put one in their place that
 * loses what was not synced. They reject as node:fs does, with an error that has a `code`. A name is
 * durable once its folder was synced, a file's bytes once the file was.
 */
export interface FileLayer {
  /** Makes one folder; resolves too where it is there. ENOENT where the one above is missing. */
  makeFolder(path: string): Promise<void>;
  /** Resolves to the names in a folder; ENOENT where there is none. */
  listFolder(path: string): Promise<readonly string[]>;
  syncFolder(path: string): Promise<void>;
  /** Makes a new file; EEXIST where the name is taken. */
  create(path: string): Promise<NewFile>;
  /** Opens a file without following a symbolic link. */
  openForRead(path: string): Promise<OpenFile>;
  facts(path: string): Promise<FileFacts>;
  /** Gives a file a second name; EEXIST where that is taken. */
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Takes a lock, without waiting; undefined where somebody holds it. */
  tryLock(path: string): FileLock | undefined;
}

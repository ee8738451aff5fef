/** A reader that can be left before its first chunk: `return` must be called, or it holds on. */
export interface SpoolReader extends AsyncIterableIterator<Uint8Array, undefined, void> {
  /** Has the writer go by this reader from now on, where it `waits`; so does its first `next`. */
  begin(): void;
  return(): Promise<IteratorResult<Uint8Array, undefined>>;
}

export interface SpoolReadOptions {
  /** Ends this reader only. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Keeps the writer from overrunning this reader: it may lag by the whole capacity, and then the
   * writer waits. Readers that don't hold are overrun instead, and told so.
   */
  readonly hold?: boolean | undefined;
  /**
   * Keeps its bytes as long as there is room for them, and has no part in the writer's pace until it
   * begins: what waits for its turn holds up nobody.
   */
  readonly waits?: boolean | undefined;
}

/**
 * Keeps a fetch in flight for its followers, its fills and its slow readers: in memory first, then
 * in a file without a name. One writer, any number of readers.
 */
export interface Spool extends AsyncDisposable {
  /** Offset of the oldest byte that can still be read; 0 until the capacity is reached. */
  readonly start: number;
  /** Resolves when there is room: the writer never runs far ahead of its fastest reader. */
  write(chunk: Uint8Array): Promise<void>;
  /** Ends the stream for all readers, with an error if it failed. */
  end(error?: unknown): void;
  /**
   * Reads from an offset to the end, waiting for the writer. Throws the writer's error once all
   * that was written is read, and {@link SpoolOverrun} where the offset is no longer kept.
   */
  read(from: number, options?: SpoolReadOptions): SpoolReader;
}

/** Opens a spool; undefined where the budget is spent, so that the fetch is unshared and unfilled. */
export type OpenSpool = (size?: number) => Promise<Spool | undefined>;

/** Tells a reader that it lagged by more than the spool keeps; it must read on elsewhere. */
export interface SpoolOverrun extends Error {
  readonly name: "SpoolOverrun";
  /** Offset that the reader had reached. */
  readonly offset: number;
}

export function isSpoolOverrun(error: unknown): error is SpoolOverrun {
  return error instanceof Error && error.name === "SpoolOverrun";
}

/**
 * Remembers, in a place that does not vanish with the directory, that a bucket's directory was there:
 * so a disk that is not mounted is told from a directory that was never made.
 */
export interface RootMemory {
  /** Names it among those of one directory: up to 64 lower-case hex digits. */
  readonly id: string;
  /** Resolves to whether the directory was there before; rejects where that can't be told. */
  wasThere(): Promise<boolean>;
  /** Remembers that it is there. Doing it again changes nothing. */
  remember(): Promise<void>;
}

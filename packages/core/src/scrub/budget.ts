import { type Clock, sleep } from "../clock.ts";

/** What one run of a scrub may take. Left out means as much as there is. */
export interface ScrubLimits {
  /** Bytes that are read in one run, second reads and repairs included. */
  readonly bytesMax?: number | undefined;
  /** Bytes that are read within a second, of all reads together. */
  readonly bytesPerSecondMax?: number | undefined;
  /** Digests that are looked at in one run. */
  readonly blobsMax?: number | undefined;
  /** Milliseconds after which no other digest is begun. */
  readonly runMsMax?: number | undefined;
  /** Digests in a row of which a copy could not be read: then it is an outage, not a finding. */
  readonly failuresInRowMax?: number | undefined;
}

/** Why a run ended: `done` at the end of what there was, else the limit that it came to. */
export type ScrubStop = "done" | "bytes" | "blobs" | "time" | "failures";

/** Counts what a run takes, and holds its reads back to a rate. */
export interface ScrubBudget {
  readonly bytesRead: number;
  /**
   * Sets bytes aside for the next digest, or says why it must not be begun. The first is always begun,
   * or a blob larger than a budget would never be looked at.
   */
  begin(expectedBytes: number): ScrubShare | "bytes" | "blobs" | "time";
}

/** What was set aside for one digest. */
export interface ScrubShare {
  /** Counts bytes that were read for it; resolves when the rate allows the next. */
  took(bytes: number, signal?: AbortSignal): Promise<void>;
  /** Gives back what it did not take. */
  end(): void;
}

export function scrubBudget(limits: ScrubLimits, clock: Clock): ScrubBudget {
  const bytesMax = limits.bytesMax ?? Number.POSITIVE_INFINITY;
  const blobsMax = limits.blobsMax ?? Number.POSITIVE_INFINITY;
  const runMsMax = limits.runMsMax ?? Number.POSITIVE_INFINITY;
  const rate = limits.bytesPerSecondMax;
  const startedMs = clock.now();
  let bytesRead = 0;
  let setAside = 0;
  let blobs = 0;
  let freeAtMs = startedMs;

  async function paced(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    if (rate === undefined) return;
    // Reads wait in the order in which they came, each for its own bytes and those before it.
    freeAtMs = Math.max(freeAtMs, clock.now()) + (bytes * 1000) / rate;
    await sleep(clock, freeAtMs - clock.now(), signal);
  }

  function share(expectedBytes: number): ScrubShare {
    let left = expectedBytes;
    const take = (bytes: number): void => {
      left -= bytes;
      setAside -= bytes;
    };
    return {
      async took(bytes, signal) {
        bytesRead += bytes;
        take(Math.min(bytes, left));
        await paced(bytes, signal);
      },
      end: () => take(left),
    };
  }

  return {
    get bytesRead() {
      return bytesRead;
    },
    begin(expectedBytes) {
      if (blobs >= blobsMax) return "blobs";
      if (blobs > 0 && bytesRead + setAside + expectedBytes > bytesMax) return "bytes";
      if (blobs > 0 && clock.now() - startedMs >= runMsMax) return "time";
      blobs += 1;
      setAside += expectedBytes;
      return share(expectedBytes);
    },
  };
}

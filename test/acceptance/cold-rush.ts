import { createHash } from "node:crypto";
import { Agent, get } from "node:http";

/** What came of many reads of one blob at a time. */
export interface Rush {
  /** Milliseconds from the moment the origin may answer to the first byte of each, ascending. */
  readonly firstByteMs: readonly number[];
  /** Digests of the bodies, without repetitions. */
  readonly digests: ReadonlySet<string>;
}

/**
 * Asks for one URL by many connections at a time. Calls back once all requests were written, which is
 * when an origin that waits for it may answer.
 */
export async function rush(url: string, count: number, onAsked: () => void): Promise<Rush> {
  const agent = new Agent({ maxSockets: count });
  let asked = 0;
  let openedMs = Number.NaN;
  const firstByteMs: number[] = [];
  const digests = new Set<string>();
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const hash = createHash("sha256");
      const request = get(url, { agent }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        response.once("data", () => firstByteMs.push(performance.now() - openedMs));
        response.on("data", (chunk: Buffer) => hash.update(chunk));
        response.once("error", reject);
        response.once("end", () => {
          digests.add(`sha256:${hash.digest("hex")}`);
          resolve();
        });
      });
      request.once("error", reject);
      request.once("finish", () => {
        asked += 1;
        if (asked < count) return;
        openedMs = performance.now();
        onAsked();
      });
    });
  try {
    await Promise.all(Array.from({ length: count }, one));
  } finally {
    agent.destroy();
  }
  return { firstByteMs: firstByteMs.sort((a, b) => a - b), digests };
}

/** Returns the value below which a part of ascending values lies. */
export function quantile(ascending: readonly number[], part: number): number {
  const at = Math.min(ascending.length - 1, Math.floor(ascending.length * part));
  return ascending[at] ?? Number.NaN;
}

import { createHash } from "node:crypto";
import { Agent, get, type IncomingMessage } from "node:http";

/** What came of many reads of one blob at a time. */
export interface Rush {
  /** Milliseconds from the moment the origin may answer to the first byte of each, ascending. */
  readonly firstByteMs: readonly number[];
  /** Digests of the bodies, without repetitions. */
  readonly digests: ReadonlySet<string>;
}

/**
 * Asks for one URL by many connections at a time. Calls back once all requests were written, which is
 * when an origin that waits for it may answer. Bodies are read on only once each has begun: one process
 * that reads a thousand of them measures itself.
 */
export async function rush(url: string, count: number, onAsked: () => void): Promise<Rush> {
  const agent = new Agent({ maxSockets: count });
  let asked = 0;
  let openedMs = Number.NaN;
  const firstByteMs: number[] = [];
  const begin = (): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const request = get(url, { agent }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        response.once("error", reject);
        response.once("readable", () => {
          firstByteMs.push(performance.now() - openedMs);
          resolve(response);
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
    const responses = await Promise.all(Array.from({ length: count }, begin));
    const digests = new Set(await Promise.all(responses.map(digestOfBody)));
    return { firstByteMs: firstByteMs.sort((a, b) => a - b), digests };
  } finally {
    agent.destroy();
  }
}

async function digestOfBody(response: IncomingMessage): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of response) hash.update(chunk as Buffer);
  return `sha256:${hash.digest("hex")}`;
}

/** Returns the value below which a part of ascending values lies. */
export function quantile(ascending: readonly number[], part: number): number {
  const at = Math.min(ascending.length - 1, Math.floor(ascending.length * part));
  return ascending[at] ?? Number.NaN;
}

/** One system call that succeeded, as strace wrote it down. */
export interface Call {
  readonly name: string;
  /** Seconds of the day's clock, as a number of nanoseconds. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Numbers and names as they stand; text and bytes are in `strings`. */
  readonly words: readonly string[];
  readonly strings: readonly Buffer[];
  readonly result: number;
}

const line = /^(\d+)\.(\d{9}) (\w+)\((.*)\)\s+= (-?\d+)\S*.*<(\d+)\.(\d{9})>$/s;
const quoted = /"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g;

/**
 * Reads a line that strace wrote with `-xx`, absolute time stamps and times of calls in nanoseconds;
 * undefined for one that is no call, or whose call failed.
 */
export function parseCall(text: string): Call | undefined {
  const [, seconds, nanos, name, inner, returned, took, tookNanos] = line.exec(text) ?? [];
  if (seconds === undefined || name === undefined || inner === undefined) return undefined;
  const result = Number(returned);
  if (result < 0) return undefined;
  const strings: Buffer[] = [];
  const rest = inner.replaceAll(quoted, (_whole, hex: string, cut: string | undefined) => {
    if (cut !== undefined) throw new Error(`strace cut a string of ${name} short`);
    strings.push(Buffer.from(hex.replaceAll("\\x", ""), "hex"));
    return "@";
  });
  const startNs = BigInt(seconds) * 1_000_000_000n + BigInt(nanos ?? 0);
  const endNs = startNs + BigInt(took ?? 0) * 1_000_000_000n + BigInt(tookNanos ?? 0);
  const words = rest.split(",").map((word) => word.trim());
  return { name, startNs, endNs, words, strings, result };
}

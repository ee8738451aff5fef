import type { TestServices } from "../services/services.ts";

/** A long test: it prints figures and rejects where one does not hold. */
export type Soak = (
  services: TestServices,
  /** Its own, empty, removed afterwards. */
  folder: string,
  print: (line: string) => void,
) => Promise<void>;

/** Throws unless a claim holds. */
export function hold(claim: boolean, text: string): void {
  if (!claim) throw new Error(`it does not hold that ${text}`);
}

/** Writes bytes as mebibytes. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

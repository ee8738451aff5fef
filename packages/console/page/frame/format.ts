const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** Writes a count of bytes with three digits and a binary unit. */
export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), byteUnits.length - 1);
  const value = bytes / 1024 ** power;
  const digits = power === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${byteUnits[power]}`;
}

/** Writes milliseconds so that short ones keep their digits. */
export function millisecondsText(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
}

const agoSteps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** Writes how long ago a time was, in the largest unit that fits. */
export function agoText(time: string, nowMs: number): string {
  const seconds = Math.round((Date.parse(time) - nowMs) / 1000);
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const [unit, size] = agoSteps.find(([, step]) => Math.abs(seconds) >= step) ?? ["second", 1];
  return format.format(Math.trunc(seconds / size), unit);
}

/** Shortens a digest to what a person compares; the whole stands in a title beside it. */
export function shortDigest(digest: string): string {
  const [algorithm, hex = ""] = digest.split(":");
  return hex.length <= 20 ? digest : `${algorithm}:${hex.slice(0, 12)}…${hex.slice(-4)}`;
}

const hexLengths: Readonly<Record<number, string>> = { 40: "sha1", 64: "sha256", 128: "sha512" };

/** Reads what was typed as a digest: with its algorithm, or bare hex; undefined where it is none. */
export function digestOf(text: string): string | undefined {
  const [, algorithm, hex = ""] =
    /^(?:([a-z0-9-]+):(?:\/\/)?)?([0-9a-f]+)$/i.exec(text.trim()) ?? [];
  const named = algorithm?.toLowerCase() ?? hexLengths[hex.length];
  return hex.length < 40 || named === undefined ? undefined : `${named}:${hex.toLowerCase()}`;
}

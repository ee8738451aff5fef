const byteUnits = ["KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** Writes a number of bytes for people: `512 B`, `4.2 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = "B";
  for (const next of byteUnits) {
    // Rounded to 1024 it would read "1024 KiB", so it moves up a little before.
    if (value < 1023.95) break;
    value /= 1024;
    unit = next;
  }
  return unit === "B" ? `${value} B` : `${value.toFixed(1)} ${unit}`;
}

/** Writes a time for people: `0.4 ms`, `12 ms`, `1.3 s`, `2m 05s`. */
export function formatMs(elapsedMs: number): string {
  if (elapsedMs < 9.95) return `${elapsedMs.toFixed(1)} ms`;
  if (elapsedMs < 999.5) return `${Math.round(elapsedMs)} ms`;
  if (elapsedMs < 59_950) return `${(elapsedMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(elapsedMs / 1000);
  const minutes = Math.floor(seconds / 60) % 60;
  const hours = Math.floor(seconds / 3600);
  const two = (value: number): string => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}h ${two(minutes)}m` : `${minutes}m ${two(seconds % 60)}s`;
}

/** Writes a count with its noun: `1 blob`, `12,345 blobs`. */
export function formatCount(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}

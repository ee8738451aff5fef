/**
 * Reads how long the service asks to be left alone: `retry-after-ms`, `x-ms-retry-after-ms`, or
 * `retry-after` in seconds or as a date, which is judged by the answer's own date, never by this
 * machine's clock. Undefined where nothing, or nothing sensible, is asked.
 */
export function retryAfterMs(header: (name: string) => string | undefined): number | undefined {
  for (const name of ["retry-after-ms", "x-ms-retry-after-ms"]) {
    const value = header(name);
    if (value !== undefined && /^\d{1,9}$/.test(value.trim())) return Number(value);
  }
  const value = header("retry-after")?.trim();
  if (value === undefined) return undefined;
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1000;
  const wait = Date.parse(value) - Date.parse(header("date") ?? "");
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}

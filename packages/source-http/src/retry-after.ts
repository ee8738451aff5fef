/**
 * Reads `Retry-After`: seconds, or an HTTP date (RFC 9110, section 10.2.3), which is compared with
 * the service's own `Date` where it sent one, because our clock may differ, else with `epochMs`.
 * Resolves to milliseconds, never negative; undefined where the header is absent or unreadable.
 */
export function retryAfterMs(
  retryAfter: string | undefined,
  date: string | undefined,
  epochMs: () => number,
): number | undefined {
  if (retryAfter === undefined) return undefined;
  const text = retryAfter.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const until = Date.parse(text);
  // Date.parse takes much that is no HTTP date, such as "-5": those have no weekday.
  if (Number.isNaN(until) || !/^[A-Za-z]{3}/.test(text)) return undefined;
  const sent = date === undefined ? Number.NaN : Date.parse(date);
  return Math.max(0, until - (Number.isNaN(sent) ? epochMs() : sent));
}

import { expect, test } from "vitest";
import { retryAfterMs } from "../src/retry-after.ts";

const now = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");

// The header is seconds or a date; a date is measured by the service's own clock where it sent one.
test.each([
  ["120", undefined, 120_000],
  ["0", undefined, 0],
  ["Wed, 21 Oct 2026 07:28:30 GMT", undefined, 30_000],
  ["Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:20 GMT", 10_000],
  ["Wed, 21 Oct 2026 07:28:30 GMT", "no date", 30_000],
  ["Wed, 21 Oct 2026 07:00:00 GMT", undefined, 0],
  ["-5", undefined, undefined],
  ["1.5", undefined, undefined],
  ["soon", undefined, undefined],
  ["99999999999999", undefined, undefined],
  [undefined, undefined, undefined],
])("Retry-After %s, Date %s", (retryAfter, date, expected) => {
  expect(retryAfterMs(retryAfter, date, () => now)).toBe(expected);
});

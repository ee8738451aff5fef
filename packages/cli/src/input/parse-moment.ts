import { badUsage } from "../frame/hinted.ts";
import { parseDuration } from "./parse-duration.ts";

const date = /^(\d{4})-(\d{2})-(\d{2})$/;
const dateTime = /^(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;

/**
 * Parses a point in time: RFC 3339 such as `2026-11-20T08:30:00Z`, a date, which is its first moment
 * in UTC, or how long ago it is, such as `90m`, `2h` or `3d`.
 *
 * @throws INVALID_ARGUMENT for anything else, and for a day or an hour that does not exist.
 */
export function parseMoment(text: string, nowMs: number): Date {
  if (/^\d{1,9}[smhdw]$/.test(text)) return new Date(nowMs - parseDuration(text));
  const moment = momentOf(text);
  if (moment === undefined) throw noMoment(text);
  return moment;
}

function momentOf(text: string): Date | undefined {
  const parts = date.exec(text) ?? dateTime.exec(text);
  const moment = new Date(parts === null ? Number.NaN : Date.parse(text.toUpperCase()));
  return parts === null || Number.isNaN(moment.getTime()) || !isDay(parts) ? undefined : moment;
}

/**
 * Parses a point in time that is yet to come: as {@link parseMoment} does, but that `90d` is in ninety
 * days.
 *
 * @throws INVALID_ARGUMENT for anything else, and for a time that has passed.
 */
export function parseEnd(text: string, nowMs: number): Date {
  if (/^\d{1,9}[smhdw]$/.test(text)) {
    const end = new Date(nowMs + parseDuration(text));
    if (Number.isNaN(end.getTime())) throw noEnd(text, "is further away than any date");
    return end;
  }
  const moment = momentOf(text);
  if (moment === undefined) throw noEnd(text, "is no time");
  if (moment.getTime() <= nowMs) throw noEnd(text, "has passed");
  return moment;
}

function noEnd(text: string, problem: string): Error {
  return badUsage(
    `${JSON.stringify(text.slice(0, 80))} ${problem}`,
    "write 2999-01-31 for its first moment in UTC, or 2999-01-31T08:30:00Z, or 90d for in 90 days",
  );
}

/** `Date` takes the 30th of February for a day in March. */
function isDay([, year, month, day]: RegExpExecArray): boolean {
  const found = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return found.getUTCDate() === Number(day) && found.getUTCMonth() === Number(month) - 1;
}

function noMoment(text: string): Error {
  return badUsage(
    `${JSON.stringify(text.slice(0, 80))} is no time`,
    "write 2026-11-20T08:30:00Z, or 2026-11-20 for its first moment in UTC, or 2h for 2 hours ago",
  );
}

import { type ErrorCode, errorTable } from "@bitstore/core";

/**
 * Exit statuses from the least to the most alarming. What a command that goes on after a failure
 * ends with is the last of these that occurred: "some could not be asked" (7) says more than "some
 * are missing" (3), and "some are corrupt" (4) more than both.
 */
const byAlarm: readonly number[] = [0, 3, 2, 5, 6, 7, 4, 1, 130];

/** Chooses the status of a command in which these errors happened: the worst of the table's. */
export function exitStatus(codes: Iterable<ErrorCode>): number {
  const statuses = new Set(Array.from(codes, (code) => errorTable[code].exit));
  return byAlarm.findLast((status) => statuses.has(status)) ?? 0;
}

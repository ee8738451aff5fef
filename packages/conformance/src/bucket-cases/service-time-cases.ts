import { expect } from "vitest";
import type { BucketSuite } from "../bucket-suite.ts";
import { seededBytes } from "../seeded-bytes.ts";

/** Milliseconds by which a service's own times may differ, in a test: its parts have clocks too. */
const apartMs = 5 * 60_000;

/** The time by the service's clock: known from its answers, whatever our own clock says. */
export function serviceTimeCases(suite: BucketSuite): void {
  suite.test("the service's time is that of what it stores", ["write"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    await suite.bucket.put(key, seededBytes(10));
    const modifiedAt = (await suite.bucket.head(key))?.modifiedAt;
    const time = suite.bucket.serviceTime();
    expect(time, "an answer came").toBeInstanceOf(Date);
    const stored = modifiedAt?.getTime() ?? time?.getTime();
    expect(Math.abs(Number(time) - Number(stored))).toBeLessThan(apartMs);
  });

  suite.test("the service's time is told by an answer that there is nothing, too", [], async () => {
    expect(await suite.bucket.head(`${suite.freshPrefix()}absent`)).toBeUndefined();
    expect(suite.bucket.serviceTime()).toBeInstanceOf(Date);
  });

  suite.test("the service's time goes on, and asking for it asks nothing", [], async () => {
    await suite.bucket.head(`${suite.freshPrefix()}absent`);
    const { bucket } = suite;
    const start = performance.now();
    const first = Number(bucket.serviceTime());
    expect(first, "an answer came").not.toBeNaN();
    // It turns until a clock of its own has gone on, in one piece: no answer can come in between.
    let last = first;
    while (last < first + 5 && performance.now() - start < 5000) {
      last = Number(bucket.serviceTime());
    }
    expect(last).toBeGreaterThanOrEqual(first + 5);
  });
}

import { expect, test } from "vitest";
import { serviceClock } from "../src/service-clock.ts";

// A service's clock is what its answers say plus the time since, on a clock that the test sets.

function manual(): { nowMs: number; readonly now: () => number; readonly after: () => () => void } {
  const clock = { nowMs: 5000, now: () => clock.nowMs, after: () => () => undefined };
  return clock;
}

const noon = Date.parse("2026-03-01T12:00:00Z");
const header = (time: number): string => new Date(time).toUTCString();

test("no time is known before an answer, nor by one that has no date", () => {
  // What is left out of an answer, or is no date, is as if there had been no answer.
  const time = serviceClock(manual());
  expect(time.now()).toBeUndefined();
  for (const date of [undefined, null, "", "soon", "Wed, 99 Foo 2026"]) {
    time.observe(date);
    expect(time.now()).toBeUndefined();
  }
});

test("it goes on with the clock after an answer", () => {
  // The machine's own idea of the date plays no part.
  const clock = manual();
  const time = serviceClock(clock);
  time.observe(header(noon));
  expect(time.now()?.getTime()).toBe(noon);
  clock.nowMs += 90_500;
  expect(time.now()?.getTime()).toBe(noon + 90_500);
});

test("it tells whole milliseconds, not later than it was told", () => {
  // The clock of durations has fractions.
  const clock = manual();
  clock.nowMs = 0.7;
  const time = serviceClock(clock);
  time.observe(header(noon));
  clock.nowMs = 1.9;
  expect(time.now()?.getTime()).toBe(noon + 1);
});

test("an answer that was late, or counts whole seconds, does not turn it back", () => {
  // Two answers within a second bear the same date; a delayed one bears an old one.
  const clock = manual();
  const time = serviceClock(clock);
  time.observe(header(noon));
  clock.nowMs += 900;
  time.observe(header(noon));
  expect(time.now()?.getTime()).toBe(noon + 900);
  clock.nowMs += 30_000;
  time.observe(header(noon));
  expect(time.now()?.getTime()).toBe(noon + 30_900);
});

test("an answer that makes it later corrects it", () => {
  // The first one was a second old when it came.
  const clock = manual();
  const time = serviceClock(clock);
  time.observe(header(noon));
  clock.nowMs += 100;
  time.observe(header(noon + 1000));
  expect(time.now()?.getTime()).toBe(noon + 1000);
});

test("a service whose clock was set back by over a minute is followed", () => {
  // At a minute it may still be a delay; beyond, the clock itself went back.
  const clock = manual();
  const time = serviceClock(clock);
  time.observe(header(noon));
  time.observe(header(noon - 60_000));
  expect(time.now()?.getTime()).toBe(noon);
  time.observe(header(noon - 61_000));
  expect(time.now()?.getTime()).toBe(noon - 61_000);
});

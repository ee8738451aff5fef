import { describe, expect, it } from "vitest";
import { boundedMs, check } from "./check.ts";
import { rightHistories, wrongHistories } from "./hand-made-histories.ts";
import { story, told } from "./story.ts";

// The checker of histories is worth what it sees. Histories are written by hand, each with one thing
// wrong that the log must never do, and the checker must name it; those with nothing wrong, however
// odd they look, must pass.

describe("the checker sees that", () => {
  for (const [name, [pattern, build]] of Object.entries(wrongHistories)) {
    it(name, () => {
      const its = story();
      const given = build(its);
      expect(check(its.told(given ?? {})).join("\n")).toMatch(pattern);
    });
  }

  it("an operation takes too long", () => {
    const its = story();
    its.ask({ kind: "head", tag: "a", maxAgeMs: 0 }, told(undefined));
    const observed = its.told();
    const calls = observed.calls.map((call) => ({ ...call, toMs: call.fromMs + boundedMs + 1 }));
    expect(check({ ...observed, calls }).join("\n")).toMatch(/took \d+ ms/);
  });
});

describe("the checker has nothing against", () => {
  for (const [name, build] of Object.entries(rightHistories)) {
    it(name, () => {
      const its = story();
      const given = build(its);
      expect(check(its.told(given ?? {}))).toEqual([]);
    });
  }
});

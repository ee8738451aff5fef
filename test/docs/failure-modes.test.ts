import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { plantedBy } from "../sim/run-hunts.ts";
import { simulators } from "../sim/simulators.ts";

// The page of failures names tests by file and title, and planted bugs by simulator and name. Each of
// them must exist, and plant what the page says: what was renamed or removed shows here.

const root = join(import.meta.dirname, "..", "..");
const page = readFileSync(join(root, "docs", "failure-modes.md"), "utf8");
const failures = Array.from({ length: 32 }, (_, index) => `F${index + 1}`);

const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf(".")), section]),
);

interface Named {
  readonly place: string;
  readonly name: string;
}

function namedIn(section: string, pattern: RegExp): readonly Named[] {
  return [...section.matchAll(pattern)].map(([, place = "", name = ""]) => ({ place, name }));
}

const testsIn = (section: string): readonly Named[] =>
  namedIn(section, /^- `([^`]+)`: “([^”]+)”$/gm);
const bugsIn = (section: string): readonly Named[] => namedIn(section, /^- (\w+): \*([^*]+)\*$/gm);

test("each failure has its section, in order, and nothing else has", () => {
  expect([...sections.keys()]).toEqual(failures);
});

describe.each(failures)("%s", (failure) => {
  const section = sections.get(failure) ?? "";

  test("names tests that exist", () => {
    const named = testsIn(section);
    expect(named.length).toBeGreaterThan(0);
    const missing = named.filter(({ place, name }) => {
      const path = join(root, place);
      return !existsSync(path) || !readFileSync(path, "utf8").includes(name);
    });
    expect(missing).toEqual([]);
  });

  test("names planted bugs that exist and plant it", () => {
    const wrong = bugsIn(section).filter(({ place, name }) => {
      const mistakes = simulators.find((simulator) => simulator.name === place)?.mistakes ?? [];
      const mistake = mistakes.find((each) => each.name === name);
      return mistake === undefined || !plantedBy(mistake).includes(failure);
    });
    expect(wrong).toEqual([]);
    const planted = simulators.some(({ mistakes }) =>
      mistakes.some((mistake) => plantedBy(mistake).includes(failure)),
    );
    expect(bugsIn(section).length > 0).toBe(planted);
  });
});

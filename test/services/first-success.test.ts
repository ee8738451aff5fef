import { expect, test } from "vitest";
import { firstSuccess, type Unavailable, type Way } from "./first-success.ts";

interface Thing {
  readonly label: string;
}

// Ways are functions that note when they are called, so the order in which they are tried and
// the point at which trying stops can both be seen.
function makeWays(results: readonly (Thing | Unavailable | Error)[]): {
  readonly ways: readonly Way<Thing>[];
  readonly tried: string[];
} {
  const tried: string[] = [];
  const ways = results.map((result, index): Way<Thing> => {
    const name = `way ${index}`;
    const attempt = async (): Promise<Thing | Unavailable> => {
      tried.push(name);
      if (result instanceof Error) throw result;
      return await Promise.resolve(result);
    };
    return { name, attempt };
  });
  return { ways, tried };
}

test("the first way that works wins, and later ones are not tried", async () => {
  const { ways, tried } = makeWays([{ unavailable: "no" }, { label: "b" }, { label: "c" }]);
  const outcome = await firstSuccess(ways);
  expect(outcome).toEqual({ found: true, way: "way 1", value: { label: "b" } });
  expect(tried).toEqual(["way 0", "way 1"]);
});

test("a way that throws is one that does not work", async () => {
  const { ways } = makeWays([new Error("broken"), { label: "b" }]);
  expect(await firstSuccess(ways)).toMatchObject({ found: true, way: "way 1" });
});

test("where none works, the reason holds what each way said", async () => {
  const { ways } = makeWays([{ unavailable: "no" }, new Error("broken")]);
  const outcome = await firstSuccess(ways);
  expect(outcome).toEqual({ found: false, reason: "way 0: no\nway 1: broken" });
});

test("a final answer ends the search, so a wrong setting is not papered over", async () => {
  const { ways, tried } = makeWays([{ unavailable: "dead", final: true }, { label: "b" }]);
  expect(await firstSuccess(ways)).toEqual({ found: false, reason: "way 0: dead" });
  expect(tried).toEqual(["way 0"]);
});

test("without ways there is nothing", async () => {
  expect(await firstSuccess([])).toEqual({ found: false, reason: "" });
});

import { Counter, type Registry } from "prom-client";

/** Counts one event, or as much as is said; the values of its labels are in the order of their names. */
export type Count = (values: readonly string[], amount?: number) => void;

export interface CountedOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

/** What was counted of one combination of values since the last scrape. */
interface Tally {
  readonly labels: Readonly<Record<string, string>>;
  amount: number;
}

/** By the value of the first label, then the next; the last have tallies. */
type Branch = Map<string, Branch | Tally>;

/**
 * Makes a counter that learns at a scrape what was counted. prom-client makes a text of all labels at
 * each count, and a hot read counts four times.
 */
export function counted(registry: Registry, options: CountedOptions): Count {
  const { labelNames, ...named } = options;
  const root: Branch = new Map();
  const tallies: Tally[] = [];
  const counter = new Counter({
    ...named,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      for (const tally of tallies) {
        if (tally.amount > 0) counter.inc(tally.labels, tally.amount);
        tally.amount = 0;
      }
    },
  });

  function grow(values: readonly string[]): Tally {
    const path = [...labelNames.keys()].map((at) => values[at] ?? "");
    const labels = Object.fromEntries(labelNames.map((name, at) => [name, path[at] ?? ""]));
    const tally: Tally = { labels, amount: 0 };
    let branch = root;
    for (const value of path.slice(0, -1)) {
      const next = branch.get(value) ?? new Map();
      branch.set(value, next);
      branch = next as Branch;
    }
    branch.set(path.at(-1) ?? "", tally);
    tallies.push(tally);
    return tally;
  }

  return (values, amount = 1) => {
    let found: Branch | Tally | undefined = root;
    for (const value of values) found = found instanceof Map ? found.get(value) : undefined;
    const tally = found === undefined || found instanceof Map ? grow(values) : found;
    tally.amount += amount;
  };
}

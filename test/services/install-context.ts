import type { Reaper } from "./reaper.ts";

/** What building and installing services needs of its surroundings. */
export interface InstallContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The folder kept between runs. */
  readonly cache: string;
  readonly reaper: Reaper;
  /** Tells people what takes so long. */
  readonly progress: (line: string) => void;
  /** Runs one build at a time: two at once would not be faster, and need twice the memory. */
  readonly serially: <T>(task: () => Promise<T>) => Promise<T>;
}

/** Returns a function that runs the tasks it is given one after another. */
export function makeSerializer(): InstallContext["serially"] {
  let last: Promise<unknown> = Promise.resolve();
  return async (task) => {
    const result = last.then(task);
    last = result.catch(() => undefined);
    return await result;
  };
}

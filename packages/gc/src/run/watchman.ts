import type { Clock } from "@bitstore/core";

const everyMs = 60_000;

/** Makes a question that is asked once a minute at most, and not again once it was denied. */
export function watchman(clock: Clock, ask: () => Promise<boolean>): () => Promise<boolean> {
  let atMs = clock.now();
  let answer = true;
  return async () => {
    if (!answer || clock.now() - atMs < everyMs) return answer;
    atMs = clock.now();
    answer = await ask();
    return answer;
  };
}

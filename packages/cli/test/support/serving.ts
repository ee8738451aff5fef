import { createInterface } from "node:readline";
import type { Running } from "./run-bitstore.ts";

/** A server that listens, in a process of its own. */
export interface Serving {
  readonly url: string;
  readonly running: Running;
  /** Resolves to the next line on stderr that a pattern fits; rejects once the process has ended. */
  line(pattern: RegExp): Promise<string>;
}

/** Waits until a process says where it listens. */
export async function serving(running: Running): Promise<Serving> {
  const { stderr } = running.child;
  if (stderr === null) throw new Error("stderr is not piped");
  const waiting = new Set<{ pattern: RegExp; found: (line: string) => void }>();
  createInterface(stderr).on("line", (line) => {
    for (const each of waiting) {
      if (!each.pattern.test(line)) continue;
      waiting.delete(each);
      each.found(line);
    }
  });
  const line = (pattern: RegExp): Promise<string> =>
    new Promise((found, reject) => {
      waiting.add({ pattern, found });
      void running.ended.then((ended) => reject(new Error(ended.stderr)));
    });
  const said = await line(/^listening on /);
  return { url: said.slice("listening on ".length), running, line };
}

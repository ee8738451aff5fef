import { type Clock, systemClock } from "../clock.ts";
import { asStoreError } from "../composite/outcomes.ts";
import type { StoreError } from "../errors.ts";
import type { BlobStore } from "../source.ts";
import { mapContent } from "./map-content.ts";

/** One operation on a store, when it is over; a read is over when its body is. */
export interface Observation {
  readonly source: string;
  readonly operation: "stat" | "open" | "put" | "delete";
  readonly outcome: "hit" | "miss" | "failed";
  readonly elapsedMs: number;
  /** Bytes that went through: read for `open`, given for `put`. */
  readonly bytes: number;
  readonly error: StoreError | undefined;
}

/**
 * Tells an observer of each operation. The observer must not throw; it is called once an operation,
 * also where the reader leaves a body early.
 */
export function observed(
  inner: BlobStore,
  observe: (observation: Observation) => void,
  clock: Clock = systemClock,
): BlobStore {
  function start(operation: Observation["operation"]): Ending {
    const startedMs = clock.now();
    return (outcome, bytes = 0, thrown) => {
      const elapsedMs = clock.now() - startedMs;
      const error = thrown === undefined ? undefined : asStoreError(thrown, operation, inner.name);
      observe({ source: inner.name, operation, outcome, elapsedMs, bytes, error });
    };
  }
  async function watch<T>(
    operation: Observation["operation"],
    work: () => Promise<T>,
    read: (value: T) => { readonly hit: boolean; readonly bytes?: number },
  ): Promise<T> {
    const end = start(operation);
    try {
      const value = await work();
      const { hit, bytes } = read(value);
      end(hit ? "hit" : "miss", bytes);
      return value;
    } catch (error) {
      end("failed", 0, error);
      throw error;
    }
  }
  return {
    ...inner,
    stat: (digest, call) =>
      watch(
        "stat",
        async () => await inner.stat(digest, call),
        (found) => ({ hit: found !== undefined }),
      ),
    delete: (digest, call) =>
      watch(
        "delete",
        async () => await inner.delete(digest, call),
        (hit) => ({ hit }),
      ),
    put: (body, call) =>
      watch(
        "put",
        async () => await inner.put(body, call),
        ({ outcome, size }) => ({ hit: outcome === "existed", bytes: size }),
      ),
    async open(digest, call) {
      const end = start("open");
      let bytes = 0;
      let failure: unknown;
      try {
        const content = await inner.open(digest, call);
        if (content === undefined) {
          end("miss");
          return undefined;
        }
        return mapContent(content, {
          body: async function* (body) {
            try {
              for await (const chunk of body) {
                bytes += chunk.byteLength;
                yield chunk;
              }
            } catch (error) {
              failure = error;
              throw error;
            }
          },
          bytes: async (read) => {
            try {
              const whole = await read();
              bytes = whole.byteLength;
              return whole;
            } catch (error) {
              failure = error;
              throw error;
            }
          },
          done: () => end(failure === undefined ? "hit" : "failed", bytes, failure),
        });
      } catch (error) {
        end("failed", 0, error);
        throw error;
      }
    },
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

type Ending = (outcome: Observation["outcome"], bytes?: number, thrown?: unknown) => void;

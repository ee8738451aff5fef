import {
  type BlobStore,
  type Content,
  contentOfStream,
  type Digest,
  type OpenOptions,
} from "@bitstore/core";

/** One read that a composite asked of a tier, over all the requests that it took. */
export interface WatchedOpen {
  readonly digest: Digest;
  readonly options: OpenOptions;
  readonly startStep: number;
  readonly startMs: number;
  /** When its answer came, if it has. */
  answeredStep: number | undefined;
  told: "hit" | "miss" | "failed" | undefined;
  /** When its bytes were consumed or given up. */
  endStep: number | undefined;
  endMs: number | undefined;
}

/** A store that remembers its reads. */
export interface WatchedStore extends BlobStore {
  readonly opens: readonly WatchedOpen[];
  /** Tells which reads are under way. */
  readonly under: ReadonlySet<WatchedOpen>;
}

/** Watches a tier from outside of all its layers. `onOpen` is told of each read as it begins. */
export function watchedStore(
  inner: BlobStore,
  instant: { readonly step: number; readonly timeMs: number },
  onOpen: (open: WatchedOpen, under: ReadonlySet<WatchedOpen>) => void = () => undefined,
): WatchedStore {
  const opens: WatchedOpen[] = [];
  const under = new Set<WatchedOpen>();
  return {
    ...inner,
    opens,
    under,
    async open(digest, options = {}): Promise<Content | undefined> {
      const open: WatchedOpen = {
        digest,
        options,
        startStep: instant.step,
        startMs: instant.timeMs,
        answeredStep: undefined,
        told: undefined,
        endStep: undefined,
        endMs: undefined,
      };
      opens.push(open);
      onOpen(open, under);
      under.add(open);
      const end = (): void => {
        open.endStep ??= instant.step;
        open.endMs ??= instant.timeMs;
        under.delete(open);
      };
      let content: Content | undefined;
      try {
        content = await inner.open(digest, options);
        open.told = content === undefined ? "miss" : "hit";
      } catch (error) {
        open.told = "failed";
        end();
        throw error;
      }
      open.answeredStep = instant.step;
      if (content === undefined) {
        end();
        return undefined;
      }
      return ended(content, end);
    },
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

/** Passes a read on and tells when it is over, whichever way. */
function ended(content: Content, end: () => void): Content {
  const streamed = contentOfStream(
    content,
    () => content.body,
    async () => {
      end();
      await content[Symbol.asyncDispose]();
    },
  );
  return {
    ...streamed,
    bytes: async () => {
      try {
        return await content.bytes();
      } finally {
        end();
      }
    },
  };
}

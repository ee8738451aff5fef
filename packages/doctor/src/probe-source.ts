import {
  type BlobSource,
  type Clock,
  type Content,
  defaultAlgorithm,
  type Digest,
  digestBytes,
  isStoreError,
  parseDigest,
  type Price,
  systemClock,
} from "@bitstore/core";
import { no, type Probe, type ProbeResult, skipped, unknown, type Verdict, yes } from "./probe.ts";
import { runProbe } from "./run-probe.ts";

export interface ProbeSourceOptions {
  /** A blob that is known to be there, of 32 bytes or more: without one ranges can't be probed. */
  readonly known?: Digest | undefined;
  /** What a request costs: where it is set none is made, unless `force` says so. */
  readonly price?: Price | undefined;
  readonly force?: boolean | undefined;
  /** 32 hex digits or more, of which the absent digest is made; random if left out. */
  readonly nonce?: string | undefined;
  /** Milliseconds of one probe. Default 30,000. */
  readonly probeMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
}

interface SourceContext {
  readonly source: BlobSource;
  readonly options: ProbeSourceOptions;
  /** Why nothing may be asked. */
  readonly unasked: string | undefined;
  unreachable: string | undefined;
}

const probeMsDefault = 30_000;
/** The middle of a blob, its offsets odd. */
const rangeStart = 3;
const rangeEnd = 19;

const price: Probe<SourceContext> = {
  name: "price",
  question: "is it free of charge?",
  meaning: "Every request to it costs money, so it is not asked without need.",
  run: async ({ options }) => {
    if (options.price === undefined) return yes("no price is set");
    const { perRequest, currency } = options.price;
    return no(`a request costs ${perRequest} ${currency}`);
  },
};

const reachable: Probe<SourceContext> = {
  name: "reachable",
  question: "does it answer?",
  meaning: "Nothing can be fetched from it: correct the address, the credentials or the network.",
  asksForRights: true,
  skip: ({ unasked }) => unasked,
  async run(context, signal): Promise<Verdict> {
    const digest = absentDigest(context);
    if (digest === undefined) return unknown("it takes no algorithm that the doctor knows");
    try {
      const content = await context.source.open(digest, { signal });
      if (content === undefined)
        return yes("it answers, and says of an absent blob that it is absent");
      await content[Symbol.asyncDispose]();
      return no(
        "it answers with bytes for a digest that nothing has",
        "It takes any address for a blob, so other tiers are not asked: correct the address.",
      );
    } catch (error) {
      if (!isStoreError(error)) throw error;
      if (error.code === "UNAVAILABLE" && error.attempts !== undefined) {
        const meaning =
          "Blobs that its other tiers have can be fetched: its /readyz names the tier.";
        return {
          ...no(`it answers, but a tier of its own does not: ${error.detail}`, meaning),
          code: error.code,
        };
      }
      context.unreachable = error.detail;
      return { ...no(error.detail), code: error.code };
    }
  },
};

const stat: Probe<SourceContext> = {
  name: "stat",
  question: "does it tell a blob's size without its bytes?",
  meaning: "Whether a blob is here is found out by fetching it.",
  run: async ({ source }) =>
    source.capabilities.stat
      ? yes("the driver asks without fetching")
      : no("the driver can't ask without fetching"),
};

const ranges: Probe<SourceContext> = {
  name: "ranges",
  question: "are ranges answered with just their bytes?",
  meaning: "A broken download can't be resumed from it, and a read of a part fetches the whole.",
  skip: ({ unasked, unreachable, options }) => {
    if (unasked !== undefined) return unasked;
    if (unreachable !== undefined) return "it could not be reached";
    return options.known === undefined ? "no blob is known that could be read" : undefined;
  },
  async run({ source, options }, signal): Promise<Verdict> {
    const { known } = options;
    if (known === undefined) return skipped("no blob is known that could be read");
    if (!source.capabilities.rangeRead) return no("the driver can't read ranges");
    let content: Content | undefined;
    try {
      content = await source.open(known, { range: { start: rangeStart, end: rangeEnd }, signal });
    } catch (error) {
      if (!isStoreError(error, "UNAVAILABLE")) throw error;
      return { ...no(`a range failed: ${error.detail}`), code: error.code };
    }
    if (content === undefined) return unknown("the blob that is said to be known is absent");
    await using open = content;
    return await judged(open);
  },
};

async function judged(content: Content): Promise<Verdict> {
  const { range } = content;
  if (range.start !== rangeStart || range.end !== rangeEnd) {
    return no(`a range was answered with the range ${range.start} to ${range.end ?? "the end"}`);
  }
  const wanted = rangeEnd - rangeStart;
  let bytes = 0;
  for await (const chunk of content.body) {
    bytes += chunk.byteLength;
    if (bytes > wanted) return no("a range was answered with more bytes than it has");
  }
  return bytes === wanted
    ? yes("a range from the middle had as many bytes as it should")
    : no(`a range was answered with ${bytes} bytes instead of ${wanted}`);
}

const probes: readonly Probe<SourceContext>[] = [price, reachable, stat, ranges];

/** Names of the probes of a source, in their order. */
export const sourceProbeNames: readonly string[] = probes.map(({ name }) => name);

/**
 * Probes a source that is no bucket, such as an HTTP API, with at most two requests, and with none
 * where each costs money. It never writes. Rejects only with ABORTED where the signal says so.
 */
export async function* probeSource(
  source: BlobSource,
  options: ProbeSourceOptions = {},
): AsyncGenerator<ProbeResult, void, void> {
  const { clock = systemClock, signal, probeMs = probeMsDefault } = options;
  const isPriced = options.price !== undefined && options.force !== true;
  const context: SourceContext = {
    source,
    options,
    unasked: isPriced ? "each request costs money, and none was forced" : undefined,
    unreachable: undefined,
  };
  for (const probe of probes) yield await runProbe(probe, context, { clock, signal, probeMs });
}

/** Makes a digest that no bytes are known to have. */
function absentDigest({ source, options }: SourceContext): Digest | undefined {
  const random = options.nonce ?? crypto.randomUUID().replaceAll("-", "");
  const { algorithms } = source.capabilities;
  const algorithm = algorithms.find((each) => each === defaultAlgorithm) ?? algorithms[0];
  if (algorithm === undefined) return undefined;
  const digits = digestBytes[algorithm] * 2;
  return parseDigest(`${algorithm}:${random.repeat(4).slice(0, digits).padEnd(digits, "0")}`);
}

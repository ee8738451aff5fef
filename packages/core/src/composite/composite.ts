import { type Clock, systemClock } from "../clock.ts";
import type { Content } from "../content.ts";
import { algorithms, type Descriptor, type Digest } from "../digest.ts";
import { isStoreError, StoreError } from "../errors.ts";
import { checkRange, isWhole } from "../range.ts";
import type {
  Attempt,
  BlobListOptions,
  BlobStore,
  CallOptions,
  OpenOptions,
  SourceCapabilities,
  StatOptions,
} from "../source.ts";
import { publishAttempt } from "../diagnostics.ts";
import { spoolOpener } from "../spool/ring-spool.ts";
import type { OpenSpool } from "../spool/spool.ts";
import { type CompositeContext, type CompositeLimits, compositeLimitsDefault } from "./context.ts";
import { fillQueue } from "./fills.ts";
import { askTiers, takeIn } from "./find.ts";
import { generations } from "./generations.ts";
import { begun, type PutJournal, withPendingTier } from "./journal.ts";
import { memories } from "./memories.ts";
import { mergeLists } from "./merge-lists.ts";
import { openHeld } from "./open-held.ts";
import { openRange } from "./open-range.ts";
import { wholeOpener } from "./open-whole.ts";
import { answersHeld } from "./read-held.ts";
import type { Tier } from "./tier.ts";
import { verifyBlobStream } from "./verify-blob.ts";
import { noWeakDigests, type WeakDigests } from "./weak-digests.ts";
import { deleteBlob, originOf, putBlob } from "./write.ts";

export interface CompositeOptions {
  /** Asked in this order. Names are unique. */
  readonly tiers: readonly Tier[];
  readonly name?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly limits?: Partial<CompositeLimits> | undefined;
  readonly openSpool?: OpenSpool | undefined;
  /** Where it is recorded what weak digests named first; nowhere unless given. */
  readonly weakDigests?: WeakDigests | undefined;
  /**
   * Acknowledges puts in the origin's place, and is disposed with the composite. What it has pending
   * is read as a tier named `pending`, just before the origin.
   */
  readonly journal?: PutJournal | undefined;
}

/** What each tier said of a blob, in order, up to the first that delivered it, verified. */
export interface Explanation {
  readonly digest: Digest;
  readonly outcome: "found" | "absent" | "unavailable";
  readonly tier: string | undefined;
  readonly size: number | undefined;
  readonly attempts: readonly Attempt[];
}

/** A store that is made of tiers; what it adds to the contract needs more than one. */
export interface Composite extends BlobStore {
  readonly tiers: readonly Tier[];
  /** Reads a blob to see what each tier says, past all memories, and fills nothing. */
  explain(digest: Digest, options?: CallOptions): Promise<Explanation>;
  /** Asks the origin alone: a copy anywhere else does not make a blob durable. */
  durable(digest: Digest, options?: CallOptions): Promise<Descriptor | undefined>;
  /**
   * Resolves when a blob is not on its way to the origin any more; at once without a journal. Rejects
   * with why it can't get there. Whether the origin has it is another question: see `durable`.
   */
  settled(digest: Digest, signal?: AbortSignal): Promise<void>;
  /** Copies into cache tiers that are under way or wait for their turn, for reports. */
  fillsUnderWay(): number;
  /** Waits for the fills under way, as disposal does first. A journal has a drain of its own. */
  drain(): Promise<void>;
}

/**
 * Makes one store of ordered tiers. A read is answered by the first tier that has the blob; what
 * came from behind a cache tier is written into it beside the read. NOT_FOUND means that every tier
 * said so; if any could not answer, a read that found nothing rejects with UNAVAILABLE and lists
 * what each said. Whole reads are verified: up to `verifyFirstBytesMax` before the first byte, above
 * it before the last. Equal reads at a time share one fetch.
 *
 * Disposing it waits for fills and disposes the journal, whose uploads need the origin, and the tiers.
 */
export function composite(options: CompositeOptions): Composite {
  const clock = options.clock ?? systemClock;
  const name = options.name ?? "composite";
  const { journal } = options;
  const tiers =
    journal === undefined
      ? options.tiers
      : withPendingTier(options.tiers, originOf({ name, tiers: options.tiers }, "open"), journal);
  checkTiers(tiers, name);
  const writes = generations();
  const limits = { ...compositeLimitsDefault, ...options.limits };
  const context: CompositeContext = {
    name,
    tiers,
    journal,
    clock,
    limits,
    openSpool: options.openSpool ?? spoolOpener(),
    writes,
    deletions: generations(),
    memories: memories(clock, writes, limits.memoryEntriesMax),
    weakDigests: options.weakDigests ?? noWeakDigests,
    successes: new Map(),
  };
  const fills = fillQueue(context);
  const openWhole = wholeOpener(context, fills);

  /** Publishes what tiers say beside telling the caller. */
  const told = <T extends CallOptions>(operation: string, digest: Digest, call: T): T => ({
    ...call,
    onAttempt: (attempt: Attempt) => {
      publishAttempt({ composite: name, digest, operation, attempt });
      call.onAttempt?.(attempt);
    },
  });

  async function open(digest: Digest, call: OpenOptions = {}): Promise<Content | undefined> {
    checkRange(call.range, "open", digest);
    const held = openHeld(context, digest, call);
    if (held !== undefined) return held;
    const { range } = call;
    if (range === undefined || isWhole(range)) {
      return await openWhole(digest, told("open", digest, call));
    }
    return await openRange(context, openWhole, digest, { ...told("open", digest, call), range });
  }

  async function durable(
    digest: Digest,
    { signal }: CallOptions = {},
  ): Promise<Descriptor | undefined> {
    return await originOf(context, "stat").source.stat(digest, { signal, durable: true });
  }

  async function stat(digest: Digest, call: StatOptions = {}): Promise<Descriptor | undefined> {
    if (call.durable === true) return await durable(digest, call);
    const question = { ...told("stat", digest, call), operation: "stat", attempts: [] };
    return await askTiers(context, context.tiers, digest, question, async (tier) => {
      const found = await tier.source.stat(digest, { signal: call.signal });
      return found === undefined ? undefined : { value: found, bytes: 0 };
    });
  }

  async function explain(digest: Digest, call: CallOptions = {}): Promise<Explanation> {
    const attempts: Attempt[] = [];
    const question = { ...call, operation: "open", fresh: true, attempts };
    const ask = async (tier: Tier): Promise<{ value: Descriptor; bytes: number } | undefined> => {
      const content = await tier.source.open(digest, { signal: call.signal });
      if (content === undefined) return undefined;
      const size = await measure(context, content, tier, digest);
      return { value: { digest, size }, bytes: size };
    };
    try {
      const found = await askTiers(context, context.tiers, digest, question, ask);
      const tier = found === undefined ? undefined : attempts.at(-1)?.tier;
      const outcome = found === undefined ? "absent" : "found";
      return { digest, outcome, tier, size: found?.size, attempts };
    } catch (error) {
      if (!isStoreError(error, "UNAVAILABLE")) throw error;
      return { digest, outcome: "unavailable", tier: undefined, size: undefined, attempts };
    }
  }

  async function* list(call: BlobListOptions = {}): AsyncGenerator<Descriptor> {
    const listable = options.tiers.filter(({ source }) => source.capabilities.list);
    if (listable.length === 0) {
      const message = "no tier can list";
      throw new StoreError({ code: "UNSUPPORTED", operation: "list", source: name, message });
    }
    const pending = journal === undefined ? [] : [await begun(journal.source.list(call))];
    yield* mergeLists([...pending, ...listable.map(({ source }) => source.list(call))]);
  }

  answersHeld(open, context);
  return {
    name,
    tiers,
    capabilities: capabilitiesOf(options.tiers),
    open,
    stat,
    explain,
    list,
    put: (body, call = {}) => putBlob(context, body, call),
    delete: (digest, call = {}) => deleteBlob(context, fills, digest, call),
    durable,
    settled: async (digest, signal) => await journal?.settled(digest, signal),
    fillsUnderWay: () => fills.count(),
    drain: () => fills.drain(),
    async [Symbol.asyncDispose]() {
      await fills.drain();
      await journal?.[Symbol.asyncDispose]();
      for (const { source } of options.tiers) await source[Symbol.asyncDispose]();
    },
  };
}

/** Reads a whole blob, keeping nothing; resolves to its size once it is verified. */
async function measure(
  context: CompositeContext,
  content: Content,
  tier: Tier,
  digest: Digest,
): Promise<number> {
  const found = await takeIn(context, content, tier, digest);
  if (found.kind === "whole") return found.bytes.byteLength;
  const stream = { [Symbol.asyncIterator]: () => found.stream };
  let size = 0;
  for await (const chunk of verifyBlobStream(context, stream, digest, tier.name, found.size)) {
    size += chunk.byteLength;
  }
  return size;
}

function capabilitiesOf(tiers: readonly Tier[]): SourceCapabilities {
  const can = (flag: "stat" | "list"): boolean =>
    tiers.some(({ source }) => source.capabilities[flag]);
  const writable = tiers.filter(({ origin, readOnly }) => origin || !readOnly);
  return {
    algorithms: algorithms.filter((each) =>
      tiers.some(({ source }) => source.capabilities.algorithms.includes(each)),
    ),
    stat: can("stat"),
    rangeRead: true,
    put: writable.some(({ role, source }) => role === "source" && source.capabilities.put),
    delete: writable.some(({ role, source }) => role === "source" && source.capabilities.delete),
    list: can("list"),
  };
}

function checkTiers(tiers: readonly Tier[], source: string): void {
  const refuse = (message: string): StoreError =>
    new StoreError({ code: "CONFIG_INVALID", operation: "open", source, message });
  const names = new Set<string>();
  for (const { name } of tiers) {
    if (name === "" || names.has(name)) throw refuse(`tier name ${JSON.stringify(name)} is taken`);
    names.add(name);
  }
  for (const [index, { name, fill }] of tiers.entries()) {
    for (const target of fill ?? []) {
      const at = tiers.findIndex((tier) => tier.name === target);
      if (at < 0 || at >= index || tiers[at]?.role !== "cache") {
        throw refuse(`tier ${name} fills ${target}, which is no cache tier before it`);
      }
    }
  }
}

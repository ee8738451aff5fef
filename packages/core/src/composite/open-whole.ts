import { type Content, contentOfBytes, contentOfStream } from "../content.ts";
import { orAborted } from "../abort.ts";
import { abortedError, isStoreError, StoreError } from "../errors.ts";
import type { Digest } from "../digest.ts";
import type { OpenOptions } from "../source.ts";
import { isSpoolOverrun } from "../spool/spool.ts";
import type { CompositeContext } from "./context.ts";
import type { Fills } from "./fills.ts";
import { type Flight, type Landing, type Party, startFlight } from "./flight.ts";
import type { Tier } from "./tier.ts";

/** Flights that one call may see fail before the failure is its own. */
const flightsPerCallMax = 3;

/** Makes the function that opens whole blobs, sharing one fetch among all who ask at a time. */
export function wholeOpener(
  context: CompositeContext,
  fills: Fills,
): (digest: Digest, options: OpenOptions) => Promise<Content | undefined> {
  const flights = new Map<Digest, Flight>();

  function takeOff(
    digest: Digest,
    avoid: OpenOptions["avoid"],
    shared: boolean,
    agains: number,
  ): Flight {
    const flight = startFlight(context, fills, digest, avoid, {
      over: (landed) => {
        if (flights.get(digest) === landed) flights.delete(digest);
      },
      again: () => {
        // Each tier may be wrong once; what is remembered of them may be forgotten in between.
        if (agains < context.tiers.length) fills.track(openOnce(digest, agains + 1));
      },
    });
    if (shared) flights.set(digest, flight);
    return flight;
  }

  /** Takes off and leaves again: the fills hold the flight from there. */
  async function openOnce(digest: Digest, agains: number): Promise<void> {
    const content = await open(digest, {}, agains);
    await content?.[Symbol.asyncDispose]();
  }

  async function open(
    digest: Digest,
    options: OpenOptions,
    agains = 0,
  ): Promise<Content | undefined> {
    const { signal, avoid } = options;
    let shared = avoid === undefined || avoid.size === 0;
    for (let turn = 1; ; turn += 1) {
      if (signal?.aborted) throw abortedError("open", signal, digest);
      const known = shared ? flights.get(digest) : undefined;
      const joined = known?.isJoinable() === true ? known : undefined;
      const flight = joined ?? takeOff(digest, avoid, shared, agains);
      const party = flight.join(options);
      let kept = false;
      try {
        const landing = await orAborted(flight.landing, signal, "open", digest);
        // What a flight found out is shared only where it is true for all who joined it.
        const stale = landing.kind === "miss" && flight.generation !== context.writes.of(digest);
        if (stale && turn < flightsPerCallMax) continue;
        if (landing.kind === "spool" && party.reader === undefined) {
          // It had no budget to be shared, so this call goes for the blob alone.
          shared = false;
          continue;
        }
        if (landing.kind === "miss") return undefined;
        const content = contentOf(digest, landing, options, party);
        kept = content.kind === "stream";
        return content.content;
      } catch (error) {
        // A failure is the leader's alone: a follower asks again by itself.
        const own = joined === undefined || turn >= flightsPerCallMax || signal?.aborted === true;
        if (own || isStoreError(error, "INVALID_ARGUMENT")) throw error;
      } finally {
        if (!kept) party.leave();
      }
    }
  }

  function contentOf(
    digest: Digest,
    landing: Exclude<Landing, { kind: "miss" }>,
    { signal }: OpenOptions,
    party: Party,
  ): { readonly kind: "whole" | "stream"; readonly content: Content } {
    if (landing.kind === "whole") {
      const { tier, bytes } = landing;
      const parts = { ...partsOf(tier, landing.version), size: bytes.byteLength };
      return { kind: "whole", content: contentOfBytes(parts, bytes) };
    }
    const { tier, size, version } = landing;
    const { reader } = party;
    if (reader === undefined) throw new Error("a flight with a spool has a reader for each party");
    const parts = { ...partsOf(tier, version), size };
    const content = contentOfStream(
      parts,
      () => carriedOn(reader, party.verdict, digest, signal),
      async () => {
        await reader.return();
        party.leave();
      },
    );
    return { kind: "stream", content };
  }

  /** Reads on where a reader was overrun: the same digest once more, past what it has had. */
  async function* carriedOn(
    reader: AsyncIterable<Uint8Array>,
    verdict: Promise<void>,
    digest: Digest,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, void> {
    let had = 0;
    try {
      for await (const chunk of reader) {
        had += chunk.byteLength;
        yield chunk;
      }
      return;
    } catch (error) {
      if (!isSpoolOverrun(error)) throw error;
    }
    // What it has had, and was told of the size, is right only if the flight's bytes were, and the rest
    // is hashed from its start.
    await orAborted(verdict, signal, "open", digest);
    const again = await open(digest, { signal });
    if (again === undefined) {
      const message = "it was deleted while it was read";
      throw new StoreError({ code: "NOT_FOUND", operation: "open", subject: digest, message });
    }
    let skip = had;
    for await (const chunk of again.body) {
      const from = Math.min(skip, chunk.byteLength);
      skip -= from;
      if (from < chunk.byteLength) yield chunk.subarray(from);
    }
  }

  return (digest, options) => open(digest, options);
}

function partsOf(
  tier: Tier,
  version: string | undefined,
): Pick<Content, "source" | "role" | "verified" | "version"> {
  const pinned = version === undefined ? undefined : `${tier.name} ${version}`;
  return { source: tier.name, role: tier.role, verified: true, version: pinned };
}

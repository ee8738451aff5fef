import { type Content, contentOfBytes, contentOfStream } from "../content.ts";
import { orAborted, untilAborted } from "../abort.ts";
import { abortedError, isStoreError, StoreError } from "../errors.ts";
import type { Digest } from "../digest.ts";
import type { OpenOptions } from "../source.ts";
import { isSpoolOverrun } from "../spool/spool.ts";
import type { CompositeContext } from "./context.ts";
import type { Fills } from "./fills.ts";
import { type Flight, type Landing, type Party, startFlight } from "./flight.ts";
import { resumingStream } from "./resume.ts";
import type { Tier } from "./tier.ts";
import { verifyBlobStream } from "./verify-blob.ts";

/** Flights that one call may see fail before the failure is its own. */
const flightsPerCallMax = 3;

/** Makes the function that opens whole blobs, sharing one fetch among all who ask at a time. */
export function wholeOpener(
  context: CompositeContext,
  fills: Fills,
): (digest: Digest, options: OpenOptions) => Promise<Content | undefined> {
  const flights = new Map<Digest, Flight>();

  function takeOff(digest: Digest, avoid: OpenOptions["avoid"]): Flight {
    const shared = avoid === undefined || avoid.size === 0;
    const flight = startFlight(context, fills, digest, avoid, {
      over: (landed) => {
        if (flights.get(digest) === landed) flights.delete(digest);
      },
      again: () => fills.track(openOnce(digest)),
    });
    if (shared) flights.set(digest, flight);
    return flight;
  }

  /** Takes off and leaves again: the fills hold the flight from there. */
  async function openOnce(digest: Digest): Promise<void> {
    const content = await open(digest, {});
    await content?.[Symbol.asyncDispose]();
  }

  async function open(digest: Digest, options: OpenOptions): Promise<Content | undefined> {
    const { signal, avoid } = options;
    for (let turn = 1; ; turn += 1) {
      if (signal?.aborted) throw abortedError("open", signal, digest);
      const known = avoid === undefined || avoid.size === 0 ? flights.get(digest) : undefined;
      const joined = known?.isJoinable() === true ? known : undefined;
      const flight = joined ?? takeOff(digest, avoid);
      const party = flight.join(options);
      let kept = false;
      try {
        const landing = await orAborted(flight.landing, signal, "open", digest);
        // What a flight found out is shared only where it is true for all who joined it.
        const stale = landing.kind === "miss" && flight.generation !== context.writes.of(digest);
        const others = landing.kind === "direct" && joined !== undefined;
        if ((stale || others) && turn < flightsPerCallMax) continue;
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
    if (landing.kind === "direct") {
      const { found, question } = landing;
      const stream = resumingStream(context, digest, found, question, new Set());
      const parts = { ...partsOf(found.tier, found.version), size: found.size };
      const verified = verifyBlobStream(context, stream, digest, found.tier.name, found.size);
      const content = contentOfStream(
        parts,
        () => untilAborted(verified, signal, "open", digest),
        async () => {
          await found.content[Symbol.asyncDispose]();
          party.leave();
        },
      );
      return { kind: "stream", content };
    }
    const { tier, size, version } = landing;
    const { reader } = party;
    if (reader === undefined) throw new Error("a flight with a spool has a reader for each party");
    const parts = { ...partsOf(tier, version), size };
    const content = contentOfStream(
      parts,
      () => carriedOn(reader, digest, signal),
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
      // A reader that got nothing has not lagged, and would get nothing again.
      if (!isSpoolOverrun(error) || had === 0) throw error;
    }
    // It is hashed anew from its start, so what is handed out is verified as one blob again.
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

  return open;
}

function partsOf(
  tier: Tier,
  version: string | undefined,
): Pick<Content, "source" | "role" | "verified" | "version"> {
  const pinned = version === undefined ? undefined : `${tier.name} ${version}`;
  return { source: tier.name, role: tier.role, verified: true, version: pinned };
}

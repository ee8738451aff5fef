import {
  algorithmOf,
  type Content,
  type Digest,
  fetchMany,
  type FetchOutcome,
  hashToFile,
  isStoreError,
  linkedAbort,
  openBody,
  splitDigest,
} from "@bitstore/core";
import { provenPutLimits } from "../../access/proven-put.ts";
import { type Wording, wordingFor } from "../../wire/hide-paths.ts";
import { type ScratchFile, scratchFile } from "../../wire/scratch-file.ts";
import { breakOff, sendBytes } from "../../wire/send-bytes.ts";
import { type TarWriter, tarWriter } from "../../wire/tar-writer.ts";
import type { Exchange } from "../exchange.ts";
import type { OpenedWorkspace } from "../workspaces.ts";

export const tarMedia = "application/x-tar";
/** The last entry of an archive. No digest's entry begins with a dot. */
export const reportName = ".bitstore/report.ndjson";

/** Lets every digest be fetched as often as it is listed: what was seen would grow with the list. */
const forgetful = { size: 0, add: () => true };

/** Sends many blobs as one archive. What breaks an entry off resets the connection. */
export async function sendArchive(
  exchange: Exchange,
  { store }: OpenedWorkspace,
  digests: AsyncIterable<Digest>,
): Promise<void> {
  const { outgoing, limits, clock } = exchange;
  const tar = tarWriter();
  await using report = scratchFile();
  // A waiting client is not kept waiting by tiers that are down: it is told, and may ask again.
  const breakerWaitMsMax = 0;
  const { signal, abort, release } = linkedAbort(exchange.signal());
  const deliver = async (content: Content, { digest }: { digest: Digest }): Promise<void> => {
    const name = entryName(digest);
    if (content.size !== undefined && content.size > limits.entryBytesMax) {
      await tar.addStream(name, content.size, content.body).catch((error: unknown) => {
        // A header can't be taken back, so neither can an entry of which the rest is wrong.
        abort(error);
        throw error;
      });
    } else if (content.size !== undefined) {
      await tar.addBytes(name, await content.bytes());
    } else {
      const body = (): AsyncIterable<Uint8Array> => content.body;
      const hashing = { ...provenPutLimits, memoryBytesMax: limits.entryBytesMax };
      await using whole = await hashToFile(body, algorithmOf(digest), hashing, signal);
      await tar.addStream(name, whole.size, openBody(whole.body));
    }
  };
  const concurrencyMax = limits.bulkConcurrencyMax;
  const options = { concurrencyMax, signal, clock, deliver, breakerWaitMsMax, seen: forgetful };
  outgoing.writeHead(200, {
    "content-type": tarMedia,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-disposition": 'attachment; filename="blobs.tar"',
    "x-request-id": exchange.requestId,
  });
  const say = wordingFor(exchange.principal);
  const filling = fill(tar, report, fetchMany(store, digests, options), say);
  try {
    // Whichever fails first ends the other.
    const sending = sendBytes(exchange, tar.archive).catch((error: unknown) => {
      abort(error);
      throw error;
    });
    filling.catch((error: unknown) =>
      tar.break(error instanceof Error ? error : new Error("ended")),
    );
    await Promise.all([filling, sending]);
  } catch (error) {
    breakOff(outgoing);
    await filling.catch(() => undefined);
    throw error;
  } finally {
    release();
  }
  outgoing.end();
}

/** Fills an archive, and reports what came of each digest in its last entry. */
async function fill(
  tar: TarWriter,
  report: ScratchFile,
  outcomes: AsyncIterable<FetchOutcome<void>>,
  say: Wording,
): Promise<void> {
  for await (const outcome of outcomes) {
    await report.append(Buffer.from(`${reportLine(outcome, say)}\n`));
  }
  await tar.addStream(reportName, report.size, report.read());
  await tar.finish();
}

function reportLine(outcome: FetchOutcome<void>, say: Wording): string {
  const { digest, status, tier, size, elapsedMs, error } = outcome;
  const told = isStoreError(error) ? { code: error.code, message: say(error.message) } : undefined;
  return JSON.stringify({
    digest,
    status,
    tier,
    size,
    elapsedMs: Math.round(elapsedMs * 10) / 10,
    error: told,
  });
}

function entryName(digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return `${algorithm}/${hex}`;
}

import { checkSize, isStoreError, linkedAbort, sleep, StoreError } from "@bitstore/core";
import { blocksInFlight, blocksMax, nextBlockBytes } from "./block-bytes.ts";
import type { BodyReader } from "./body-reader.ts";
import type { Service } from "./service.ts";
import type { Settings } from "./settings.ts";
import { spareRooms } from "./spare-rooms.ts";
import { bufferOf, type Upload } from "./upload.ts";

/** Between the attempts of a block, doubled each time, where the service names no other time. */
const retryDelayMs = 250;

/** A service that wants a longer pause gets none from here: who retries the put decides. */
const retryDelayMsMax = 10_000;

/**
 * Sends what remains of a body as blocks, of which a bounded number is in memory, and resolves to
 * their names in order. Nobody sees them before they are committed; those that never are expire
 * on the service within a week. The names begin with the upload's, so that uploads of one key
 * don't mix, and are 48 bytes long as those of most programs, since all names of one key must be
 * of one length.
 */
export async function uploadBlocks(
  service: Service,
  settings: Settings,
  upload: Upload,
  reader: BodyReader,
  first: Uint8Array,
): Promise<readonly string[]> {
  const { key, options, uploadId } = upload;
  const { partBytes, partsInFlightMax } = settings;
  const blockIds: string[] = [];
  const inFlight = new Set<Promise<void>>();
  const spares = spareRooms();
  const abort = linkedAbort(options.signal);
  let failure: { readonly error: unknown } | undefined;
  let offset = 0;

  const fail = (error: unknown): void => {
    failure ??= { error };
    reader.stop(error);
    abort.abort();
  };
  const launch = (block: Uint8Array): void => {
    const id = Buffer.from(uploadId + String(blockIds.length).padStart(12, "0")).toString("base64");
    blockIds.push(id);
    const sending = stageBlock(service, settings, upload, id, block, abort.signal)
      // Of a block that was sent twice the first request may still be on its way.
      .then((attempts) => {
        if (attempts === 1) spares.put(block);
      })
      .catch(fail)
      .finally(() => inFlight.delete(sending));
    inFlight.add(sending);
  };

  try {
    for (let block = first; block.byteLength > 0; ) {
      offset += block.byteLength;
      if (options.size !== undefined && offset > options.size) {
        checkSize(offset, options.size, key, service.name);
      }
      checkCount(blockIds.length, key, service.name);
      launch(block);
      const bytes = nextBlockBytes(partBytes, offset, options.size);
      const most = blocksInFlight(partBytes, partsInFlightMax, bytes);
      // The block that is read next is in memory as well, so one fewer may be on its way.
      while (inFlight.size >= most) await Promise.race(inFlight);
      if (failure !== undefined) break;
      block = await reader.take(bytes, () => spares.take(bytes));
    }
    await Promise.all(inFlight);
    if (failure !== undefined) throw failure.error;
    checkSize(offset, options.size, key, service.name);
    return blockIds;
  } catch (error) {
    fail(error);
    await Promise.all(inFlight);
    throw failure?.error ?? error;
  } finally {
    abort.release();
  }
}

/**
 * Sends one block, and again where it failed in passing: nobody above could repeat it. Resolves to
 * how often it was sent.
 */
async function stageBlock(
  service: Service,
  settings: Settings,
  { key, options }: Upload,
  id: string,
  block: Uint8Array,
  abortSignal: AbortSignal,
): Promise<number> {
  const { customerProvidedKey, encryptionScope, partAttemptsMax, clock } = settings;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await service.call({
        operation: "put",
        subject: key,
        signal: options.signal,
        request: (container) =>
          container.getBlockBlobClient(key).stageBlock(id, bufferOf(block), block.byteLength, {
            abortSignal,
            ...(customerProvidedKey === undefined ? {} : { customerProvidedKey }),
            ...(encryptionScope === undefined ? {} : { encryptionScope }),
          }),
      });
      return attempt;
    } catch (error) {
      if (!isStoreError(error) || error.persistence !== "transient") throw error;
      if (attempt >= partAttemptsMax || abortSignal.aborted) throw error;
      const delayMs = error.retryAfterMs ?? retryDelayMs * 2 ** (attempt - 1);
      if (delayMs > retryDelayMsMax) throw error;
      await sleep(clock, delayMs, abortSignal);
    }
  }
}

function checkCount(blocks: number, key: string, source: string): void {
  if (blocks < blocksMax) return;
  throw new StoreError({
    code: "TOO_LARGE",
    operation: "put",
    subject: key,
    source,
    message: `the body needs more than ${blocksMax} blocks: declare its size, or raise partBytes`,
  });
}

import type { Clock, Content, Digest } from "@bitstore/core";
import { isStoreError, sleep, StoreError } from "@bitstore/core";
import type { BlobSource, Body } from "@bitstore/core";
import type { SimFolder } from "./folder.ts";
import type { Ledger, LedgerBlob } from "./ledger.ts";
import type { PlannedCaller, PlannedOperation } from "./plan.ts";
import type { WatchedCache } from "./watched-cache.ts";

type Planned<K extends PlannedOperation["kind"]> = Extract<PlannedOperation, { readonly kind: K }>;

/** What the callers of one process share. */
export interface Stage {
  readonly ledger: Ledger;
  readonly folder: SimFolder;
  readonly cache: WatchedCache;
  /** Where whole blobs are read: the cache, or a composite before it whose origin has all of them. */
  readonly reads: BlobSource;
  readonly isTier: boolean;
  readonly clock: Clock;
  readonly isDead: () => boolean;
  /** Whether disks fail in this history. */
  readonly isStormy: boolean;
  /** Whether the index has seen all files, so that it knows their sizes. */
  readonly isIndexed: boolean;
  /** Whether puts may be refused for want of room, or misses come of evictions. */
  readonly isRoomy: boolean;
  /** Whether it may evict although there is room. */
  readonly isShrinking: boolean;
  readonly violate: (what: string) => void;
  readonly note: (lane: string, what: string) => void;
}

const short = (digest: Digest): string => digest.slice(7, 15);

export async function performCaller(stage: Stage, caller: PlannedCaller): Promise<void> {
  for (const operation of caller.operations) {
    stage.note(caller.lane, JSON.stringify(operation));
    try {
      await perform(stage, operation);
    } catch (error) {
      if (stage.isDead()) return;
      stage.note(caller.lane, `ends with ${String(error)}`);
      checkError(stage, operation, error);
    }
    if (stage.isDead()) return;
  }
}

async function perform(stage: Stage, operation: PlannedOperation): Promise<void> {
  const { cache, ledger, folder, clock, violate } = stage;
  switch (operation.kind) {
    case "put":
      await put(stage, operation, ledger.blob(operation.blob));
      return;
    case "open":
      await open(stage, operation, ledger.blob(operation.blob));
      return;
    case "stat": {
      const blob = ledger.blob(operation.blob);
      const found = await cache.stat(blob.digest);
      if (found !== undefined && found.size !== blob.bytes.byteLength && !blob.mayBeRotten) {
        violate(`a stat of ${short(blob.digest)} says ${found.size} bytes`);
      }
      return;
    }
    case "delete":
      await cache.delete(ledger.blob(operation.blob).digest);
      return;
    case "quarantine":
      await cache.quarantine(ledger.blob(operation.blob).digest);
      return;
    case "prune":
      await cache.prune({ bytesMax: operation.blocks * 4096 });
      return;
    case "list":
      for await (const { digest } of cache.list()) {
        if (ledger.of(digest) === undefined) violate(`a list shows ${digest}, which nobody put`);
      }
      return;
    case "stats":
      await cache.stats();
      return;
    case "reindex":
      await cache.reindex();
      return;
    case "rot":
      rot(folder, ledger.blob(operation.blob), operation);
      return;
    default:
      await sleep(clock, operation.ms);
  }
}

function rot(folder: SimFolder, blob: LedgerBlob, { how }: Planned<"rot">): void {
  if (!folder.rot(blob.digest, how)) return;
  blob.mayBeRotten = true;
  blob.rots += 1;
  blob.owed = false;
  blob.takings += 1;
}

async function put(stage: Stage, operation: Planned<"put">, blob: LedgerBlob): Promise<void> {
  const { cache, clock, violate } = stage;
  const { named, sized, fault, abortAfterMs } = operation;
  const { body, isWrong } = bodyOf(stage, operation, blob);
  const controller = new AbortController();
  const cancel =
    abortAfterMs === undefined
      ? undefined
      : clock.after(abortAfterMs, () => controller.abort(new Error("enough")));
  try {
    const { digest, size } = await cache.putOf(blob, body, {
      // What a wrong body is can only be told by its name.
      ...(named || fault === "other bytes" ? { digest: blob.digest } : {}),
      ...(sized || fault === "too long" ? { size: blob.bytes.byteLength } : {}),
      signal: controller.signal,
    });
    if (stage.isDead()) return;
    if (isWrong) violate(`a wrong body is acknowledged as ${short(blob.digest)}`);
    if (digest !== blob.digest || size !== blob.bytes.byteLength) {
      violate(`a put of ${short(blob.digest)} acknowledges ${digest} of ${size} bytes`);
    }
  } finally {
    cancel?.();
  }
}

function bodyOf(
  { clock }: Stage,
  { streamed, fault }: Planned<"put">,
  blob: LedgerBlob,
): { readonly body: Body; readonly isWrong: boolean } {
  const { bytes } = blob;
  let sent = bytes;
  if (fault === "other bytes") sent = bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte));
  if (fault === "too long") sent = Buffer.concat([bytes, new Uint8Array(9000)]);
  const isWrong = fault === "throws" || Buffer.compare(sent, bytes) !== 0;
  if (!streamed && fault !== "throws" && fault !== "too long") return { body: sent, isWrong };
  const body = async function* (): AsyncGenerator<Uint8Array, void, void> {
    for (let at = 0; at < sent.byteLength; at += 1900) {
      if (at > 0) await sleep(clock, 1);
      yield sent.subarray(at, at + 1900);
    }
    if (fault !== "throws") return;
    const message = "the body breaks, by the simulation";
    throw new StoreError({ code: "UNAVAILABLE", operation: "read", source: "body", message });
  };
  return { body, isWrong };
}

async function open(stage: Stage, operation: Planned<"open">, blob: LedgerBlob): Promise<void> {
  const { violate, isRoomy, isShrinking, isTier } = stage;
  const { range } = operation;
  const { owed, gone, takings, putsBegun, mayBeRotten } = blob;
  const source = range === undefined ? stage.reads : stage.cache;
  const isThrough = isTier && range === undefined;
  const content = await source.open(blob.digest, range === undefined ? {} : { range });
  if (stage.isDead()) return;
  if (content === undefined) {
    const mustBe = owed && isRoomy && !isShrinking && takings === blob.takings;
    if (mustBe || isThrough) violate(`${short(blob.digest)} was acknowledged and is missing`);
    return;
  }
  const cameBack = gone && blob.gone && putsBegun === blob.putsBegun && !blob.mayBeHidden;
  if (cameBack && !isThrough) violate(`${short(blob.digest)} was deleted and is read`);
  const { size } = content;
  const isOther = size !== undefined && size !== blob.bytes.byteLength;
  if (stage.isIndexed && isOther) {
    violate(`${short(blob.digest)} is served with ${size} bytes`);
  }
  const { start, end = blob.bytes.byteLength } = content.range;
  const promised = end - start;
  const got = await taken(stage, content, operation);
  if (got === undefined || stage.isDead()) return;
  if (got.byteLength !== promised) {
    violate(`${short(blob.digest)} ends cleanly after ${got.byteLength} bytes of ${promised}`);
  }
  const wanted = blob.bytes.subarray(range?.start ?? 0, range?.end ?? blob.bytes.byteLength);
  if ((mayBeRotten || blob.mayBeRotten) && !isThrough) return;
  if (Buffer.compare(got, wanted) !== 0) violate(`wrong bytes of ${short(blob.digest)}`);
}

/** Reads at the reader's pace; undefined where it leaves. */
async function taken(
  { clock }: Stage,
  content: Content,
  { pauseMs, leavesAfter }: Planned<"open">,
): Promise<Uint8Array | undefined> {
  await using _ = content;
  if (pauseMs === 0 && leavesAfter === undefined) return await content.bytes();
  const chunks: Uint8Array[] = [];
  if (leavesAfter === 0) return undefined;
  for await (const chunk of content.body) {
    chunks.push(chunk);
    if (chunks.length === leavesAfter) return undefined;
    await sleep(clock, pauseMs);
  }
  return Buffer.concat(chunks);
}

/** An operation ends as its contract says, and well where nothing is wrong. */
function checkError(stage: Stage, operation: PlannedOperation, error: unknown): void {
  const { kind } = operation;
  const blob = "blob" in operation ? stage.ledger.blob(operation.blob) : undefined;
  const size = blob?.bytes.byteLength ?? 0;
  const isExpected = (): boolean => {
    if (!isStoreError(error)) return false;
    switch (error.code) {
      case "UNAVAILABLE": {
        if (stage.isTier && kind === "open" && operation.range === undefined) return false;
        const isCrowded = kind === "put" && !stage.isRoomy;
        const isBody = kind === "put" && operation.fault === "throws";
        return stage.isStormy || isCrowded || isBody || blob?.mayBeRotten === true;
      }
      case "TOO_LARGE":
        return kind === "put" && !stage.isRoomy;
      case "ABORTED":
        return kind === "put" && operation.abortAfterMs !== undefined;
      case "DIGEST_MISMATCH":
        return kind === "put" && operation.fault !== "none";
      case "INVALID_ARGUMENT":
        return kind === "put" && (operation.fault === "too long" || operation.fault === "throws");
      case "RANGE_NOT_SATISFIABLE":
        return (
          kind === "open" && (blob?.mayBeRotten === true || (operation.range?.start ?? 0) >= size)
        );
      default:
        return false;
    }
  };
  if (!isExpected()) {
    const text = error instanceof Error ? (error.stack ?? String(error)) : String(error);
    stage.violate(`${kind} ended with ${text}`);
  }
}

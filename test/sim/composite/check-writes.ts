import { hash } from "node:crypto";
import { compareBytes, nameOf } from "./names.ts";
import type { Blob, Call, Observed, ObservedTier } from "./observed.ts";

/**
 * Holds what the tiers were given against what was asked: what is acknowledged is at the origin,
 * nothing wrong is ever stored, nothing that is read-only is written, and what was deleted stays away.
 */
export function checkWrites(observed: Observed): readonly string[] {
  const problems: string[] = [];
  for (const tier of observed.tiers) problems.push(...checkStored(observed, tier));
  for (const call of observed.calls) {
    const { answer, operation, blob } = call;
    if (blob === undefined) continue;
    if (operation.kind === "put" && answer.kind === "put") {
      problems.push(...checkPut(observed, call, blob));
    }
    if (operation.kind === "durable") problems.push(...checkDurable(observed, call, blob));
    if (operation.kind === "delete" && answer.kind === "deleted") {
      problems.push(...checkDeleted(observed, call, blob));
    }
  }
  return problems;
}

function checkStored({ blobs }: Observed, { planned, writable, bucket }: ObservedTier): string[] {
  const problems: string[] = [];
  const last = new Map<string, Uint8Array | undefined>();
  for (const { key, bytes, by, step } of bucket?.changes ?? []) {
    const before = last.get(key);
    last.set(key, bytes);
    if (by !== "store") continue;
    if (!writable) problems.push(`${planned.name} is read-only, and was written at step ${step}`);
    // Beside what is in quarantine stands a record of it.
    if (bytes === undefined || key.endsWith(".json")) continue;
    const blob = blobs.find((each) => each.key === key);
    if (!key.endsWith(hash("sha256", bytes, "hex"))) {
      problems.push(`${planned.name} was given wrong bytes of blob ${blob?.index} at step ${step}`);
    } else if (before !== undefined && compareBytes(before, bytes) && !wasDenied(bucket, key)) {
      problems.push(
        `${planned.name}: a right copy of blob ${blob?.index} was rewritten at step ${step}`,
      );
    }
  }
  return problems;
}

/** Whether a bucket said wrong things of an object, so that a put may have taken it for wrong. */
function wasDenied(bucket: ObservedTier["bucket"], key: string): boolean {
  return (bucket?.requests ?? []).some(
    (request) =>
      request.key === key && (request.fate.denies === true || request.fate.body !== undefined),
  );
}

/** The tier that puts go to. */
export function originOf({ tiers }: Observed): ObservedTier | undefined {
  return tiers.find(({ planned }) => planned.origin);
}

/** Whether the origin had the right bytes at some instant from one step to another. */
function wasThere(observed: Observed, blob: Blob, fromStep: number, toStep: number): boolean {
  const changes = originOf(observed)?.bucket?.changes ?? [];
  let isThere = false;
  for (const { key, bytes, step } of changes) {
    if (key !== blob.key) continue;
    if (step > toStep) break;
    if (isThere && step >= fromStep) return true;
    isThere = bytes !== undefined && compareBytes(bytes, blob.bytes);
    if (isThere && step >= fromStep) return true;
  }
  return isThere;
}

function checkPut(observed: Observed, call: Call, blob: Blob): string[] {
  const { answer, operation } = call;
  const problems: string[] = [];
  if (operation.kind !== "put" || answer.kind !== "put") return problems;
  if (operation.fault === "throws")
    problems.push(`${nameOf(call)}: its body broke, and it was acknowledged`);
  if (operation.fault === "other bytes") {
    if (operation.named) problems.push(`${nameOf(call)}: wrong bytes were acknowledged`);
    return problems;
  }
  if (operation.fault !== "none") return problems;
  if (answer.digest !== blob.digest || answer.size !== blob.bytes.byteLength) {
    problems.push(`${nameOf(call)}: acknowledged as ${answer.digest} of ${answer.size} bytes`);
  }
  if (!wasThere(observed, blob, call.startStep, call.endStep)) {
    problems.push(`${nameOf(call)}: acknowledged, and it was never at the origin`);
  }
  return problems;
}

function checkDurable(observed: Observed, call: Call, blob: Blob): string[] {
  const bucket = originOf(observed)?.bucket;
  if (call.answer.kind !== "size" || bucket === undefined) return [];
  // Anything under its name counts, since only its size is looked at.
  const hits = bucket.requests.some(
    ({ key, operation, told, startStep, toldStep }) =>
      key === blob.key &&
      operation === "head" &&
      told === "hit" &&
      startStep >= call.startStep &&
      (toldStep ?? Number.POSITIVE_INFINITY) <= call.endStep,
  );
  return hits ? [] : [`${nameOf(call)}: durable, and the origin was not asked`];
}

/** What was deleted and never put again is in no cache when all is over. */
function checkDeleted(observed: Observed, call: Call, blob: Blob): string[] {
  const { tiers, calls, memoryLeft } = observed;
  const isPutAgain = calls.some(
    (other) =>
      other !== call &&
      other.operation.kind === "put" &&
      other.blob === blob &&
      other.endStep >= call.startStep,
  );
  const isElsewhere = tiers.some(
    ({ planned, bucket }) =>
      bucket !== undefined &&
      ((planned.role === "source" &&
        // The origin's own copy is the first to go, so only what comes to it later counts.
        wasHeldSince(bucket, blob.key, planned.origin ? call.endStep : call.startStep)) ||
        bucket.changes.some(({ key, by, step, bytes }) => {
          return key === blob.key && by === "world" && step > 0 && bytes !== undefined;
        }) ||
        bucket.requests.some(({ key, isLate, operation }) => {
          return key === blob.key && isLate === true && operation === "put";
        }) ||
        lostPut(bucket, blob.key)),
  );
  // A cache that may not be touched keeps what it has, and others are filled from it.
  const isKept = tiers.some(
    ({ planned, writable, bucket }) =>
      planned.role === "cache" && !writable && bucket?.now(blob.key) !== undefined,
  );
  if (isPutAgain || isElsewhere || isKept) return [];
  const left = tiers.filter(({ planned, bucket }) =>
    planned.role !== "cache"
      ? false
      : bucket === undefined
        ? memoryLeft.has(blob.digest)
        : bucket.now(blob.key) !== undefined,
  );
  return left.map(({ planned }) => `${nameOf(call)}: it is back in ${planned.name}`);
}

/** A put of which nobody was told whether it took effect. */
function lostPut({ requests }: NonNullable<ObservedTier["bucket"]>, key: string): boolean {
  return requests.some(
    ({ key: put, operation, fate }) =>
      put === key && operation === "put" && fate.hasEffect === true,
  );
}

function wasHeldSince(
  { changes }: NonNullable<ObservedTier["bucket"]>,
  key: string,
  fromStep: number,
): boolean {
  let isThere = false;
  for (const change of changes) {
    if (change.key !== key) continue;
    if (isThere && change.step >= fromStep) return true;
    isThere = change.bytes !== undefined;
    if (isThere && change.step > fromStep) return true;
  }
  return isThere;
}

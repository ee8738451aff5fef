import { compareBytes, nameOf } from "./names.ts";
import { mayBeMissing } from "./evidence.ts";
import type { Answer, Blob, Call, Observed } from "./observed.ts";
import type { Rule, Violation } from "./rules.ts";

type Tell = (rule: Rule, problem: string) => void;

/**
 * Holds what readers were given against what the blobs are: nothing wrong that ends cleanly, nothing
 * wrong at all where all is verified first, and nothing missing that was there.
 */
export function checkReads(observed: Observed): readonly Violation[] {
  const problems: Violation[] = [];
  for (const call of observed.calls) {
    const told: Tell = (rule, problem) =>
      void problems.push({ rule, text: `${nameOf(call)}: ${problem}` });
    const { answer, blob, operation } = call;
    if (answer.kind === "error" && answer.code === "NOT_A_STORE_ERROR") {
      // The body's own error comes through.
      if (operation.kind !== "put") told("sense", `it threw ${answer.text}`);
    }
    if (answer.kind === "error" && answer.code === "NOT_FOUND") {
      if (blob !== undefined && !mayBeMissing(observed, call, blob))
        told("absence", "NOT_FOUND, and it was there");
    }
    if (answer.kind === "fetched") checkFetched(observed, call, answer, told);
    if (blob === undefined) continue;
    if (answer.kind === "bytes") checkBytes(observed, blob, answer, call, told);
    const isAbsent =
      answer.kind === "absent" ||
      (answer.kind === "explained" && answer.explanation.outcome === "absent");
    const isWide = operation.kind !== "durable";
    if (isAbsent && isWide && !mayBeMissing(observed, call, blob)) {
      told("absence", "absent, though a tier had it or none has said that it is not there");
    }
    if (answer.kind === "explained" && answer.explanation.outcome === "found") {
      const { size } = answer.explanation;
      if (size !== blob.bytes.byteLength) told("sense", `found, of ${size} bytes`);
    }
  }
  return problems;
}

function checkBytes(
  { plan, tiers }: Observed,
  blob: Blob,
  answer: Answer & { readonly kind: "bytes" },
  call: Call,
  told: Tell,
): void {
  const { bytes, ended, size, verified } = answer;
  const truth = blob.bytes;
  const asked = call.operation;
  if (ended === "NOT_A_STORE_ERROR")
    told("sense", "its bytes ended with an error that is none of ours");
  if (asked.kind === "open") {
    if (!verified) told("sense", "a whole read that is not verified");
    if (ended === "clean" && !compareBytes(bytes, truth)) {
      told(
        ruleOf(bytes, truth),
        `a clean end on ${bytes.byteLength} wrong bytes of ${truth.byteLength}`,
      );
    }
    if (ended === "clean" && size !== undefined && size !== truth.byteLength) {
      told("sense", `it said ${size} bytes, and had ${truth.byteLength}`);
    }
    const isSmall = size !== undefined && size <= plan.verifyFirstBytesMax;
    if (isSmall && !compareBytes(bytes, truth.subarray(0, bytes.byteLength))) {
      told("bytes", "wrong bytes of a blob that is small enough to be verified first");
    }
    // At least one byte is held back until the digest matched.
    const isBroken = ended !== "clean" && ended !== "left" && ended !== "ABORTED";
    if (isBroken && truth.byteLength > 0 && compareBytes(bytes, truth)) {
      const isLong = tiers.some(({ bucket }) =>
        bucket?.requests.some(({ fate }) => fate.body?.effect === "extra"),
      );
      if (!isLong) told("bytes", `all bytes were given, and then ${ended}`);
    }
    if (ended === "DIGEST_MISMATCH" && !hasCulprit(tiers, blob)) {
      told("sense", "DIGEST_MISMATCH, and nobody gave wrong bytes");
    }
    return;
  }
  if (asked.kind !== "range" || ended !== "clean") return;
  const expected = truth.subarray(asked.start, asked.end ?? truth.byteLength);
  const isRight = compareBytes(bytes, expected);
  if (isRight) return;
  // Bytes that were turned over on the way from a version that was verified can't be told.
  const isFlipped = tiers.some(({ bucket }) =>
    bucket?.requests.some(
      ({ fate, key, isRange }) => key === blob.key && isRange && fate.body?.effect === "flip",
    ),
  );
  if (verified && !isFlipped) told(ruleOf(bytes, expected), "a verified range of wrong bytes");
  else if (bytes.byteLength !== expected.byteLength && !isOfAnother(answer, blob)) {
    told(
      ruleOf(bytes, expected),
      `a clean end on ${bytes.byteLength} bytes of a range of ${expected.byteLength}`,
    );
  }
}

/** Says whether bytes that are not the right ones are only too few. */
function ruleOf(bytes: Uint8Array, right: Uint8Array): Rule {
  const isShort = bytes.byteLength < right.byteLength;
  return isShort && compareBytes(bytes, right.subarray(0, bytes.byteLength)) ? "end" : "bytes";
}

/** Whether any tier had wrong bytes of a blob, or gave some. */
function hasCulprit(tiers: Observed["tiers"], blob: Blob): boolean {
  return tiers.some(({ bucket }) => {
    if (bucket === undefined) return false;
    const isRotten = bucket.changes.some(
      ({ key, bytes }) =>
        key === blob.key && bytes !== undefined && !compareBytes(bytes, blob.bytes),
    );
    const isLying = bucket.requests.some(
      ({ key, fate: { body, sizeBy, ignoresRange } }) =>
        key === blob.key &&
        (typeof sizeBy === "number" ||
          ignoresRange === true ||
          (body !== undefined && body.effect !== "reset" && body.effect !== "stall")),
    );
    return isRotten || isLying;
  });
}

/** A range that is not verified may be of a wrong copy, and says so by its size. */
function isOfAnother(answer: Answer & { readonly kind: "bytes" }, blob: Blob): boolean {
  return !answer.verified && answer.size !== blob.bytes.byteLength;
}

function checkFetched(
  observed: Observed,
  call: Call,
  { outcomes }: Answer & { readonly kind: "fetched" },
  told: Tell,
): void {
  const asked = call.operation.kind === "fetch" ? call.operation.blobs : [];
  const digests = new Set(asked.map((index) => observed.blobs[index]?.digest));
  digests.delete(undefined);
  const told2 = outcomes.filter(({ digest }) => digest !== undefined);
  if (told2.length !== digests.size)
    told("sense", `${told2.length} outcomes of ${digests.size} digests`);
  for (const { digest, status, bytes } of outcomes) {
    const blob = observed.blobs.find((each) => each.digest === digest);
    if (blob === undefined) {
      if (status !== "failed") told("sense", `what is no digest is ${status}`);
      continue;
    }
    const isThere = status === "fetched" || status === "cached";
    if (isThere && (bytes === undefined || !compareBytes(bytes, blob.bytes))) {
      told("bytes", `blob ${blob.index} is ${status}, with wrong bytes`);
    }
    if (status === "missing" && !mayBeMissing(observed, call, blob)) {
      told(
        "absence",
        `blob ${blob.index} is missing, though a tier had it or none said it is not there`,
      );
    }
  }
}

import {
  isLive,
  isStoreError,
  StoreError,
  type StoreErrorOptions,
  type TagEntry,
  type TagExpectation,
  type TagOperation,
  type TagTarget,
} from "@bitstore/core";

/** One logical write, in terms of the entry that it comes after. */
export interface Change {
  readonly op: TagOperation;
  /** Says what the tag points to after it; undefined for `delete`. */
  target(current: TagEntry | undefined): TagTarget | undefined;
  readonly restored?: number | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Whether there must be a live target to start from. */
  readonly needsLive: boolean;
}

/** Says why a change can't come after an entry; undefined where it can. */
export function refusal(
  tag: string,
  change: Change,
  expect: TagExpectation | undefined,
  current: TagEntry | undefined,
  source: string,
): StoreError | undefined {
  const operation = change.op;
  if (expect !== undefined && !holds(expect, current)) {
    const message = `expected ${wordsOf(expect)}, but ${describe(current)}`;
    return withCurrent(
      { code: "PRECONDITION_FAILED", operation, subject: tag, source, message },
      current,
    );
  }
  if (change.needsLive && !isLive(current)) {
    const message = describe(current);
    return new StoreError({ code: "NOT_FOUND", operation, subject: tag, source, message });
  }
  return undefined;
}

/** Tells whether an entry that has the nonce of a change is that change, written before. */
export function isSame(entry: TagEntry, change: Change): boolean {
  if (entry.op !== change.op || entry.restored !== change.restored) return false;
  if (change.op === "set") {
    const target = change.target(undefined);
    const isSameBlob = entry.target?.digest === target?.digest;
    if (!isSameBlob || entry.target?.mediaType !== target?.mediaType) return false;
  }
  return JSON.stringify(sorted(entry.annotations)) === JSON.stringify(sorted(change.annotations));
}

function sorted(annotations: Readonly<Record<string, string>> = {}): [string, string][] {
  return Object.entries(annotations).sort(([one], [other]) => (one < other ? -1 : 1));
}

function holds(expect: TagExpectation, current: TagEntry | undefined): boolean {
  if (expect === "absent") return !isLive(current);
  if (typeof expect === "number") return (current?.seq ?? 0) === expect;
  const { target } = current ?? {};
  return target?.digest === expect || (target?.alsoKnownAs ?? []).includes(expect);
}

function wordsOf(expect: TagExpectation): string {
  return typeof expect === "number" ? `sequence ${expect}` : expect;
}

function describe(current: TagEntry | undefined): string {
  if (current === undefined) return "the tag was never set";
  if (!isLive(current)) return `the tag is deleted, since sequence ${current.seq}`;
  return `the tag is at sequence ${current.seq}, ${current.target.digest}`;
}

function withCurrent(options: StoreErrorOptions, current: TagEntry | undefined): StoreError {
  return Object.assign(new StoreError(options), { current });
}

const definiteCodes: ReadonlySet<string> = new Set([
  "NOT_FOUND",
  "INVALID_ARGUMENT",
  "TOO_LARGE",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "UNSUPPORTED",
  "CONFIG_INVALID",
]);

/** Tells whether a failure says that nothing was written; all others leave it open. */
export function isDefinite(error: unknown): error is StoreError {
  if (!isStoreError(error)) return false;
  // A bucket that is not there is UNAVAILABLE for good.
  return (
    definiteCodes.has(error.code) ||
    (error.code === "UNAVAILABLE" && error.persistence === "permanent")
  );
}

import { mapConcurrent } from "../bulk/map-concurrent.ts";
import { type Clock, systemClock } from "../clock.ts";
import { publishAlarm } from "../diagnostics.ts";
import type { Digest } from "../digest.ts";
import { throwIfAborted } from "../errors.ts";
import type { BlobSource } from "../source.ts";
import { scrubBudget, type ScrubLimits, type ScrubShare, type ScrubStop } from "./budget.ts";
import { checkCopy, type CheckOptions, type CopyCheck } from "./check-copy.ts";
import type { Copies } from "./list-copies.ts";
import { repairCopy } from "./repair-copy.ts";

/** What was found of one digest, in the order of the tiers. */
export interface ScrubFinding {
  readonly digest: Digest;
  readonly checks: readonly CopyCheck[];
}

export interface ScrubOptions {
  /**
   * Compares the sizes that the tiers list, and reads the copies of those blobs alone whose sizes
   * differ. It costs no request beside the lists, and finds what was cut or is another object; a copy
   * with nothing to compare it with is `unread`.
   */
  readonly quick?: boolean | undefined;
  /** Puts wrong copies right where that is allowed, with what this source has; left out, it reports. */
  readonly best?: BlobSource | undefined;
  readonly limits?: ScrubLimits | undefined;
  /** Digests in work at a time; 16. */
  readonly concurrencyMax?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Is told of each digest in the order of the input, and waited for: what it was told is done. */
  report(finding: ScrubFinding): Promise<void> | void;
}

/** How a run ended. */
export interface ScrubEnd {
  readonly reason: ScrubStop;
  /** Digests that were looked at. */
  readonly blobs: number;
  /** Bytes that were read from all tiers. */
  readonly bytesRead: number;
}

/** Enough to keep a service busy, few enough to keep a slow disk's queue short. */
const concurrencyMaxDefault = 16;
/** Findings that may wait for one before them. */
const waitingFactor = 8;

/**
 * Looks at copies of blobs, within a budget: reads each from its tier alone and compares it with its
 * digest, twice where it is wrong. Nothing is changed unless `best` is given, and then only wrong copies
 * in caches and in tiers with `heal`.
 *
 * A check that fails is a finding. Rejects where the input does, or the signal aborts; what was
 * reported by then is done, so that a cursor may go on after it. Memory does not grow with the input.
 */
export async function scrubCopies(
  input: AsyncIterable<Copies>,
  options: ScrubOptions,
): Promise<ScrubEnd> {
  const { signal, best, quick = false, concurrencyMax = concurrencyMaxDefault } = options;
  const budget = scrubBudget(options.limits ?? {}, options.clock ?? systemClock);
  let reason: ScrubStop = "done";
  let blobs = 0;

  async function* within(): AsyncGenerator<Work, void, void> {
    for await (const copies of input) {
      const share = budget.begin(expectedBytes(copies, quick));
      if (typeof share === "string") {
        reason = share;
        return;
      }
      yield { copies, share };
    }
  }

  async function look({ copies, share }: Work): Promise<ScrubFinding> {
    const { digest } = copies;
    const call = { signal, took: (bytes: number) => share.took(bytes, signal) };
    try {
      if (quick && !mustRead(copies)) return { digest, checks: bySize(copies) };
      const checks = await Promise.all(
        copies.copies.map(({ tier }) => checkCopy(tier, digest, call)),
      );
      raise(checks);
      return { digest, checks: best === undefined ? checks : await repaired(checks, best, call) };
    } finally {
      share.end();
    }
  }

  /** One after the other: a copy that was put right may be the one that the next is taken from. */
  async function repaired(
    checks: readonly CopyCheck[],
    from: BlobSource,
    call: CheckOptions,
  ): Promise<readonly CopyCheck[]> {
    const after: CopyCheck[] = [];
    for (const check of checks) {
      const { tier, digest, status } = check;
      const isWrong = status === "corrupt";
      after.push(
        isWrong ? { ...check, repair: await repairCopy(tier, digest, from, call) } : check,
      );
    }
    return after;
  }

  const findings = mapConcurrent(
    within(),
    {
      concurrencyMax,
      ordered: true,
      waitingMax: concurrencyMax * waitingFactor,
      signal: signal ?? new AbortController().signal,
    },
    look,
  );
  const { failuresInRowMax = Number.POSITIVE_INFINITY } = options.limits ?? {};
  let failures = 0;
  for await (const finding of findings) {
    throwIfAborted(signal, "verify", finding.digest);
    blobs += 1;
    await options.report(finding);
    failures = finding.checks.some(({ status }) => status === "failed") ? failures + 1 : 0;
    if (failures < failuresInRowMax) continue;
    reason = "failures";
    break;
  }
  throwIfAborted(signal, "verify");
  return { reason, blobs, bytesRead: budget.bytesRead };
}

/** One digest in work, and what was set aside for it. */
interface Work {
  readonly copies: Copies;
  readonly share: ScrubShare;
}

/** Tells of what is wrong, whether or not it is put right after. */
function raise(checks: readonly CopyCheck[]): void {
  for (const { tier, digest, status, error } of checks) {
    if (status !== "corrupt") continue;
    publishAlarm({ kind: "corrupt-copy", subject: digest, source: tier.name, error });
  }
}

/** Tells whether sizes say that something is wrong, or can't tell: then only the bytes can. */
function mustRead({ copies }: Copies): boolean {
  return new Set(copies.map(({ size }) => size)).size > 1 || copies[0]?.size === undefined;
}

function bySize({ digest, copies }: Copies): CopyCheck[] {
  const status = copies.length > 1 ? "ok" : "unread";
  return copies.map(({ tier, size }) => ({ tier, digest, status, size, error: undefined }));
}

/** Bytes that a look at the copies takes, if all of them are right. */
function expectedBytes(copies: Copies, quick: boolean): number {
  if (quick && !mustRead(copies)) return 0;
  return copies.copies.reduce((sum, { size = 0 }) => sum + size, 0);
}

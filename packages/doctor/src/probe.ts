import type { ErrorCode } from "@bitstore/core";

/** `yes`: it holds. `no`: shown not to. `unknown`: it could not be found out. `skipped`: not tried. */
export type ProbeOutcome = "yes" | "no" | "unknown" | "skipped";

/** What a probe of one promise came to: plain data, for a table or as JSON. */
export interface ProbeResult {
  /** Stable, in kebab-case, such as `create-twice`. */
  readonly name: string;
  /** What was asked, such as "does a second creator of a key lose?". */
  readonly question: string;
  readonly outcome: ProbeOutcome;
  /** What was seen, one clause. */
  readonly detail: string;
  /** What a `no` means for whoever uses the bucket, one sentence; undefined for the others. */
  readonly meaning: string | undefined;
  /** The code of the error that the probe met, where one decided it. */
  readonly code: ErrorCode | undefined;
  /** Numbers that were measured, named with their units, such as `skewMs`. */
  readonly figures: Readonly<Record<string, number>>;
  /** Milliseconds that it took. */
  readonly elapsedMs: number;
}

/** What a probe itself says. */
export interface Verdict {
  readonly outcome: ProbeOutcome;
  readonly detail: string;
  /** In place of the probe's own, where this `no` means something else. */
  readonly meaning?: string | undefined;
  readonly code?: ErrorCode | undefined;
  readonly figures?: Readonly<Record<string, number>> | undefined;
}

/** One question to a bucket or a source. */
export interface Probe<Context> {
  readonly name: string;
  readonly question: string;
  /** What a `no` means. */
  readonly meaning: string;
  /** Milliseconds that it may take; the run's usual limit if left out. */
  readonly limitMs?: number | undefined;
  /** Says why it is not tried; undefined where it is. Left out: it always is. */
  readonly skip?: ((context: Context) => string | undefined) | undefined;
  /** Takes a lack of rights for a `no`, since rights are what it asks about. */
  readonly asksForRights?: boolean | undefined;
  readonly run: (context: Context, signal: AbortSignal) => Promise<Verdict>;
}

export function yes(detail: string, figures?: Readonly<Record<string, number>>): Verdict {
  return { outcome: "yes", detail, figures };
}

export function no(detail: string, meaning?: string): Verdict {
  return { outcome: "no", detail, meaning };
}

export function unknown(detail: string): Verdict {
  return { outcome: "unknown", detail };
}

export function skipped(detail: string): Verdict {
  return { outcome: "skipped", detail };
}

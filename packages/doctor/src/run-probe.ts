import {
  type Clock,
  isStoreError,
  linkedAbort,
  orAborted,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import { no, type Probe, type ProbeResult, skipped, unknown, type Verdict } from "./probe.ts";

/** What bounds a run of probes. */
export interface RunLimits {
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds of a probe that names no limit of its own. */
  readonly probeMs: number;
}

/**
 * Runs one probe within its time. Resolves also where it fails: an outage is `unknown`, a lack of
 * rights is a `no` where that was the question. Rejects only where the caller aborts.
 */
export async function runProbe<Context>(
  probe: Probe<Context>,
  context: Context,
  limits: RunLimits,
): Promise<ProbeResult> {
  const { clock, signal } = limits;
  throwIfAborted(signal, "probe", probe.name);
  const startMs = clock.now();
  const why = probe.skip?.(context);
  const verdict = why === undefined ? await judged(probe, context, limits) : skipped(why);
  const { outcome, detail, code, figures = {} } = verdict;
  return {
    name: probe.name,
    question: probe.question,
    outcome,
    detail,
    meaning: outcome === "no" ? (verdict.meaning ?? probe.meaning) : undefined,
    code,
    figures,
    elapsedMs: Math.round(clock.now() - startMs),
  };
}

async function judged<Context>(
  probe: Probe<Context>,
  context: Context,
  { clock, signal, probeMs }: RunLimits,
): Promise<Verdict> {
  const limitMs = probe.limitMs ?? probeMs;
  const timed = linkedAbort(signal);
  const late = new StoreError({
    code: "TIMEOUT",
    operation: "probe",
    subject: probe.name,
    message: `not done within ${limitMs / 1000} s`,
  });
  const cancel = clock.after(limitMs, () => timed.abort(late));
  try {
    // Not every bucket heeds an abort, and the run has to go on all the same.
    return await orAborted(probe.run(context, timed.signal), timed.signal, "probe", probe.name);
  } catch (error) {
    throwIfAborted(signal, "probe", probe.name);
    return verdictOf(error, probe.asksForRights === true);
  } finally {
    cancel();
    timed.release();
  }
}

/** Says what an error tells of the question. */
function verdictOf(error: unknown, asksForRights: boolean): Verdict {
  if (!isStoreError(error)) throw error;
  const { code, detail } = error;
  const isRefused = ["PERMISSION_DENIED", "UNAUTHENTICATED", "CONFIG_INVALID"].includes(code);
  const isNo = code === "UNSUPPORTED" || (asksForRights && isRefused);
  return { ...(isNo ? no(detail) : unknown(detail)), code };
}

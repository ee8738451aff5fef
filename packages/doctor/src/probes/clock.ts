import { no, type Probe, unknown, type Verdict, yes } from "../probe.ts";
import type { ProbeContext } from "../probe-context.ts";

/** Leases are judged by the service's clock and as much again; signatures fail at 15 minutes. */
const skewMsMax = 5 * 60_000;

export const clock: Probe<ProbeContext> = {
  name: "clock",
  question: "do its clock and ours agree?",
  meaning:
    "Leases and the grace of a collection run out at the wrong time, and a service refuses signatures " +
    "that are 15 minutes off: set the clocks by NTP.",
  async run(context, signal) {
    const { bucket, date, found } = context;
    // Asked anew, so that the answer is fresh; what it says of the key is of no matter here.
    const key = found.writtenKey ?? context.freshKey("absent");
    const info = await bucket.head(key, { signal }).catch(() => undefined);
    const time = bucket.serviceTime();
    if (time === undefined) return unknown("its answers do not tell the time");
    const skewMs = time.getTime() - date().getTime();
    const figures = { skewMs };
    if (Math.abs(skewMs) > skewMsMax) {
      return { ...no(`its clock is ${shown(skewMs)}`), figures };
    }
    const written = found.writtenKey === undefined ? undefined : info?.modifiedAt;
    return { ...objectVerdict(time, written, skewMs), figures };
  },
};

/** The part that stamps objects may be another than the one that answers. */
function objectVerdict(time: Date, written: Date | undefined, skewMs: number): Verdict {
  if (written === undefined) return yes(`its clock is ${shown(skewMs)}`);
  const objectMs = written.getTime() - time.getTime();
  if (Math.abs(objectMs) <= skewMsMax) {
    return yes(`its clock is ${shown(skewMs)}, and stamps objects alike`);
  }
  return no(
    `objects written just now are stamped ${shown(objectMs).replace(" of ours", " of its clock")}`,
  );
}

function shown(skewMs: number): string {
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  // The header counts whole seconds.
  if (seconds <= 1) return "within a second of ours";
  return `${seconds} s ${skewMs > 0 ? "ahead" : "behind"} of ours`;
}

import type { Clock } from "@bitstore/core";
import { mapConcurrent } from "@bitstore/core";
import { no, type Probe, unknown, yes } from "../probe.ts";
import { isSame, type ProbeContext, readAll, sampleBytes } from "../probe-context.ts";
import { noWrite } from "./writes.ts";

const smallBytes = 4096;
const smallCount = 128;
const concurrencyMax = 16;
const mebibyte = 2 ** 20;
const largeBytes = 8 * mebibyte;
/** Milliseconds of the sample; on a slow line it ends as `unknown`. */
const limitMs = 60_000;

export const throughput: Probe<ProbeContext> = {
  name: "throughput",
  question: "how fast is it, roughly?",
  meaning: "Bytes change on their way under load.",
  limitMs,
  skip: (context) => (context.measure ? noWrite(context) : "it was not asked for"),
  async run(context, signal) {
    const { bucket, clock } = context;
    const small = sampleBytes(smallBytes, 3);
    const keys = Array.from({ length: smallCount }, () => context.freshKey("small"));
    const puts = await rate(clock, smallCount, () =>
      all(keys, signal, async (key) => {
        await bucket.put(key, small, { size: smallBytes, signal });
        return true;
      }),
    );
    const reads = await rate(clock, smallCount, () =>
      all(keys, signal, async (key) => isSame(await readAll(context, key, signal), small)),
    );
    if (!puts.ok || !reads.ok) return no("small objects were read with other bytes");
    const large = sampleBytes(largeBytes, 5);
    const key = context.freshKey("large");
    const up = await rate(clock, largeBytes / mebibyte, async () => {
      await bucket.put(key, large, { size: largeBytes, signal });
      return true;
    });
    const down = await rate(clock, largeBytes / mebibyte, async () =>
      isSame(await readAll(context, key, signal, largeBytes), large),
    );
    if (!down.ok) return no("a large object was read with other bytes");
    const figures = {
      smallPutsPerSecond: puts.perSecond,
      smallReadsPerSecond: reads.perSecond,
      uploadMebibytesPerSecond: up.perSecond,
      downloadMebibytesPerSecond: down.perSecond,
    };
    if (Object.values(figures).some((figure) => !Number.isFinite(figure))) {
      return unknown("the clock did not go on");
    }
    return yes(
      `${puts.perSecond} puts/s and ${reads.perSecond} reads/s of 4 KiB, ${concurrencyMax} at a time; ` +
        `${up.perSecond} MiB/s up and ${down.perSecond} MiB/s down`,
      figures,
    );
  },
};

interface Rate {
  readonly ok: boolean;
  readonly perSecond: number;
}

async function rate(clock: Clock, count: number, work: () => Promise<boolean>): Promise<Rate> {
  const startMs = clock.now();
  const ok = await work();
  const perSecond = (count * 1000) / (clock.now() - startMs);
  return { ok, perSecond: Math.round(perSecond * 10) / 10 };
}

async function all(
  keys: readonly string[],
  signal: AbortSignal,
  work: (key: string) => Promise<boolean>,
): Promise<boolean> {
  const limits = { concurrencyMax, ordered: false, waitingMax: concurrencyMax, signal };
  let ok = true;
  for await (const good of mapConcurrent(keys, limits, work)) ok &&= good;
  return ok;
}

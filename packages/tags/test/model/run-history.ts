import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  type Random,
  type ScheduledBucket,
  type Scheduler,
  scheduledBucket,
  scheduler,
  seededWeather,
  watchedBucket,
  type WatchedBucket,
  type Weather,
} from "@bitstore/conformance";
import { type Bucket, type Clock, memoryBucket, parseDigest, type TagLog } from "@bitstore/core";
import { metadataFormatKey, tagLog, trustTargets } from "../../src/index.ts";
import { type Caller, performCaller, performRest, performWatch } from "./perform.ts";
import type { Call, Observed } from "./observed.ts";
import type { Plan, PlannedHandle } from "./plan.ts";

export const namespace = "sim";
/** Where the service's clock starts. */
export const epochMs: number = Date.UTC(2026, 0, 2);

/** A history as it happened, and the scheduler that has its trace. */
export interface Ran {
  readonly observed: Observed;
  readonly scheduler: Scheduler;
  readonly requests: number;
}

/** A handle that may be closed and opened again, with a new memory. */
export interface Handle {
  readonly clock: Clock;
  readonly reader: string;
  readonly log: TagLog;
  reopen(): void;
}

/** What the callers of one history share. */
export interface Stage {
  readonly plan: Plan;
  readonly sim: Scheduler;
  readonly handles: readonly Handle[];
  readonly calls: Call[];
  mintNonce(): string;
  /** Counts down as callers end; watches end some time after the last. */
  callersLeft: number;
}

let loaded: Promise<void> | undefined;

/**
 * Uses a log once, outside of the simulation: what it loads at its first use comes from files, for which
 * virtual time does not wait.
 */
async function load(): Promise<void> {
  const bucket = memoryBucket();
  const write = tagLog(bucket, { checkTarget: trustTargets });
  await write.append("a", parseDigest(`sha256:${"0".repeat(64)}`));
  await write.remove("a");
  const log = tagLog(bucket, { checkTarget: trustTargets });
  await log.head("a");
  await log.verify("a");
  for await (const _ of log.list({ deleted: true })) break;
}

/** Plays a plan from its first step to quiet, late requests included, and then asks what is there. */
export async function runHistory(plan: Plan, isTraced = false): Promise<Ran> {
  // A log that is broken on purpose may fail here; the histories are to show it.
  loaded ??= load().catch(() => undefined);
  await loaded;
  const sim = scheduler(plan.seed, { isTraced });
  const service = (): Date => new Date(Math.floor((epochMs + sim.timeMs) / 1000) * 1000);
  const bucket = watchedBucket(memoryBucket("memory:", service), sim);
  if (!plan.isNew) await describe(bucket);
  const weather = seededWeather(sim.random.fork("weather"), {
    storm: plan.storm,
    stormEndMs: plan.stormEndMs,
    outageFromMs: plan.outageFromMs,
  });
  const mintNonce = minter(sim.random.fork("nonces"));
  const buckets: ScheduledBucket[] = [];
  const handles = plan.handles.map((planned, index) => {
    const handle = openHandle(sim, bucket, weather, `h${index}`, planned, mintNonce);
    buckets.push(handle.bucket);
    return handle;
  });
  const calls: Call[] = [];
  const callersLeft = plan.callers.length;
  const stage: Stage = { plan, sim, handles, calls, mintNonce, callersLeft };

  const alarms: string[] = [];
  const onAlarm = (message: unknown): void => void alarms.push(JSON.stringify(message));
  subscribe("bitstore:alarm", onAlarm);
  for (const { lane, handle, operations } of plan.callers) {
    const caller: Caller = { lane, seen: new Map() };
    sim.spawn(lane, async () => {
      await performCaller(stage, caller, handle, operations);
      stage.callersLeft -= 1;
    });
  }
  for (const watched of plan.watches) sim.spawn("watch", () => performWatch(stage, watched));
  let outcome = await sim.run();
  if (outcome.ended === "done") {
    const rest = openHandle(sim, bucket, () => ({}), "rest", undefined, mintNonce);
    sim.spawn("rest", () => performRest(stage, rest));
    outcome = await sim.run();
  }
  unsubscribe("bitstore:alarm", onAlarm);

  return {
    scheduler: sim,
    requests: buckets.reduce((sum, { requests }) => sum + total(requests), 0),
    observed: {
      namespace,
      tags: plan.tags,
      effects: bucket.effects,
      calls,
      ended: outcome.ended,
      unfinished: [...outcome.unfinished, ...outcome.failures.map(({ error }) => String(error))],
      calmFromMs: plan.outageFromMs === undefined ? plan.stormEndMs : Number.POSITIVE_INFINITY,
      isSteady: sim.policy.isSteady,
      alarms,
    },
  };
}

/** Says of the bucket what a first write finds out, which is tested elsewhere. */
async function describe(bucket: WatchedBucket): Promise<void> {
  const description = { layout: "metadata", id: "0", minReader: 1, minWriter: 1 };
  const text = JSON.stringify({ ...description, proved: [bucket.name] });
  await bucket.put(metadataFormatKey, new TextEncoder().encode(text));
}

function openHandle(
  sim: Scheduler,
  inner: Bucket,
  weather: Weather,
  lane: string,
  planned: PlannedHandle | undefined,
  mintNonce: () => string,
): Handle & { readonly bucket: ScheduledBucket } {
  const { pageItems = 1000, serviceSkewMs = 0, clockOffsetMs = 0, clockRate = 1 } = planned ?? {};
  const clock = sim.clock(lane, { offsetMs: clockOffsetMs, rate: clockRate });
  const bucket = scheduledBucket(inner, {
    scheduler: sim,
    lane,
    weather,
    pageItems,
    serviceSkewMs,
  });
  const random = sim.random.fork(lane);
  const open = (): TagLog =>
    tagLog(bucket, {
      namespace,
      actor: lane,
      client: "sim",
      clock,
      random: random.next,
      mintNonce,
      checkTarget: trustTargets,
      ...(planned === undefined ? {} : { limits: planned.limits }),
    });
  let opened = 1;
  let log = open();
  return {
    bucket,
    clock,
    get reader() {
      return `${lane}.${opened}`;
    },
    get log() {
      return log;
    },
    reopen() {
      opened += 1;
      log = open();
    },
  };
}

function minter(random: Random): () => string {
  const word = (): string =>
    Math.floor(random.next() * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  return () => word() + word() + word() + word();
}

function total(requests: ScheduledBucket["requests"]): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0);
}

import type { ErrorCode } from "@bitstore/core";
import type { Random } from "./random.ts";

/** One request on its way, as the weather sees it. */
export interface SimCall {
  readonly operation: "head" | "read" | "put" | "delete" | "list" | "listPrefixes";
  /** The key or prefix. */
  readonly subject: string;
  /** A put that creates only, or replaces one version only. */
  readonly isConditional: boolean;
  readonly timeMs: number;
}

/** What a caller is told instead of the truth. */
export interface SimFailure {
  readonly code: ErrorCode;
  readonly retryAfterMs?: number | undefined;
  readonly serviceCode?: string | undefined;
}

/** What becomes of one request. All that is left out is fair. */
export interface Fate {
  /** Milliseconds on the way there. */
  readonly thereMs?: number | undefined;
  /** How often it takes effect; 2 is a proxy that sent it again. Default 1. */
  readonly effects?: 0 | 1 | 2 | undefined;
  /** Which effect's answer is delivered, of two. Default the first. */
  readonly answer?: "first" | "second" | undefined;
  /** Milliseconds on the way back. */
  readonly backMs?: number | undefined;
  /** The caller is told this. */
  readonly failure?: SimFailure | undefined;
  /** The caller is told so before it takes effect, `backMs` after it was sent: a late request. */
  readonly isEarly?: boolean | undefined;
  /** No answer comes, ever. */
  readonly isSilent?: boolean | undefined;
  /** An abort of the caller's stops it, where it has not taken effect. Default: it goes on. */
  readonly stopsOnAbort?: boolean | undefined;
  /** A read's bytes break off after half of them. */
  readonly breaksOff?: boolean | undefined;
}

/** Decides what becomes of each request. */
export type Weather = (call: SimCall) => Fate;

/** How often, from 0 to 1, each kind of trouble comes to a request while the storm lasts. */
export interface Storm {
  /** The answer is lost after the effect. */
  readonly lostAnswer: number;
  /** The request is lost before it. */
  readonly lostCall: number;
  /** The caller gets its TIMEOUT, and the effect comes long after. */
  readonly late: number;
  /** Sent twice by a proxy. */
  readonly doubled: number;
  /** 429, 503 or 409, of conditional puts above all; some have taken effect all the same. */
  readonly refused: number;
  /** No answer at all, whether or not it took effect. */
  readonly silent: number;
  /** Slow, there or back. */
  readonly slow: number;
  /** A read's bytes break off. */
  readonly broken: number;
}

export const calm: Storm = {
  lostAnswer: 0,
  lostCall: 0,
  late: 0,
  doubled: 0,
  refused: 0,
  silent: 0,
  slow: 0,
  broken: 0,
};

export interface WeatherOptions {
  readonly storm: Storm;
  /** Virtual time at which the storm is over; what is late then still comes. */
  readonly stormEndMs: number;
  /** Virtual time from which on nothing gets through any more. */
  readonly outageFromMs?: number | undefined;
  /** Milliseconds that a late request is late at most. */
  readonly lateMsMax?: number | undefined;
}

/** Longer than any operation lasts, so that some late requests come when all has been told. */
export const lateMsMaxDefault = 200_000;

/** Makes weather that a seed decides: a storm, the calm after it, and an outage where one is asked. */
export function seededWeather(random: Random, options: WeatherOptions): Weather {
  const { storm, stormEndMs, outageFromMs = Number.POSITIVE_INFINITY } = options;
  const lateMsMax = options.lateMsMax ?? lateMsMaxDefault;
  const kinds = Object.keys(calm) as (keyof Storm)[];

  const draw = (): keyof Storm | undefined => {
    let left = random.next();
    for (const kind of kinds) {
      left -= storm[kind];
      if (left < 0) return kind;
    }
    return undefined;
  };

  return (call) => {
    const stopsOnAbort = random.chance(0.5);
    if (call.timeMs >= outageFromMs) return { ...outage(random), stopsOnAbort };
    const trouble = draw();
    if (trouble === undefined || call.timeMs >= stormEndMs) return { stopsOnAbort };
    return { ...fateOf(trouble, call, random, lateMsMax), stopsOnAbort };
  };
}

/** Draws a storm: one kind of trouble alone or several, from now and then to most of the time. */
export function seededStorm(random: Random): Storm {
  if (random.chance(0.1)) return calm;
  const kinds = Object.keys(calm) as (keyof Storm)[];
  const strength = random.pick([0.05, 0.15, 0.3, 0.6]);
  const chosen = new Set<keyof Storm>([random.pick(kinds)]);
  while (random.chance(0.6)) chosen.add(random.pick(kinds));
  const drawn = kinds.map((kind) => [kind, chosen.has(kind) ? strength / chosen.size : 0] as const);
  return { ...calm, ...Object.fromEntries(drawn) };
}

function fateOf(kind: keyof Storm, call: SimCall, random: Random, lateMsMax: number): Fate {
  switch (kind) {
    case "lostAnswer":
      return { failure: lost(random), backMs: random.below(3000) };
    case "lostCall":
      return { effects: 0, failure: lost(random), backMs: random.below(3000) };
    case "late":
      return {
        isEarly: true,
        failure: lost(random),
        backMs: random.below(3000),
        thereMs: 2 ** (random.next() * Math.log2(lateMsMax)),
      };
    case "doubled":
      return { effects: 2, answer: random.pick(["first", "second"]) };
    case "refused":
      if (call.operation !== "put" && random.chance(0.7)) return {};
      return { effects: random.chance(0.25) ? 1 : 0, failure: refusal(random) };
    case "silent":
      return { isSilent: true, effects: random.chance(0.5) ? 1 : 0, thereMs: random.below(20_000) };
    case "slow":
      return { thereMs: random.below(4000), backMs: random.below(4000) };
    default:
      return { breaksOff: true };
  }
}

function outage(random: Random): Fate {
  const effects = random.chance(0.1) ? 1 : 0;
  if (random.chance(0.2)) return { isSilent: true, effects };
  return { effects, failure: lost(random), backMs: random.below(1000) };
}

function lost(random: Random): SimFailure {
  return random.chance(0.5)
    ? { code: "TIMEOUT" }
    : { code: "UNAVAILABLE", serviceCode: random.pick(["ECONNRESET", "InternalError"]) };
}

function refusal(random: Random): SimFailure {
  const kind = random.below(4);
  if (kind === 0) return { code: "RATE_LIMITED", serviceCode: "SlowDown" };
  if (kind === 1) return { code: "RATE_LIMITED", retryAfterMs: random.below(3000) };
  if (kind === 2) return { code: "UNAVAILABLE", serviceCode: "ConditionalRequestConflict" };
  return { code: "UNAVAILABLE", retryAfterMs: random.below(1000) };
}

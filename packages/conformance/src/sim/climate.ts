import type { Random } from "./random.ts";
import type { Script, ScriptedBody, ScriptedCall, ScriptedFate } from "./scripted-fate.ts";
import type { SimFailure } from "./weather.ts";

/** The kinds of trouble that come to a request of a scripted tier. */
export type Trouble =
  | "unavailable"
  | "limited"
  | "forbidden"
  | "denies"
  | "lostAnswer"
  | "silent"
  | "stuckPut"
  | "slowDelete"
  | "slow"
  | "reset"
  | "stall"
  | "flip"
  | "end"
  | "extra"
  | "sizeLie"
  | "sizeless"
  | "wholeForRange";

export const troubles: readonly Trouble[] = [
  "unavailable",
  "limited",
  "forbidden",
  "denies",
  "lostAnswer",
  "silent",
  "stuckPut",
  "slowDelete",
  "slow",
  "reset",
  "stall",
  "flip",
  "end",
  "extra",
  "sizeLie",
  "sizeless",
  "wholeForRange",
];

/** What a tier is like, before and after its storm is over. */
export interface Climate {
  /** Milliseconds of an answer; each takes from a half to one and a half of it. */
  readonly latencyMs: number;
  /** How often an answer takes twenty times as long, from 0 to 1. */
  readonly tailChance: number;
  readonly chunkBytes: number;
  readonly chunkMs: number;
  /** How often each trouble comes to a request while the storm lasts, from 0 to 1. */
  readonly storm: Readonly<Partial<Record<Trouble, number>>>;
  readonly stormEndMs: number;
  /** What never ends: nothing there that answers, nobody who may ask, or no size ever told. */
  readonly lasting?: "gone" | "forbidden" | "silent" | undefined;
  readonly isSizeless?: boolean | undefined;
}

/** Makes the script of a tier with a climate. */
export function climateScript(random: Random, climate: Climate): Script {
  const { latencyMs, tailChance, chunkBytes, chunkMs, storm, stormEndMs, lasting } = climate;

  const drawn = (call: ScriptedCall): Trouble | undefined => {
    let left = random.next();
    if (call.timeMs >= stormEndMs) return undefined;
    for (const trouble of troubles) {
      left -= storm[trouble] ?? 0;
      if (left < 0) return trouble;
    }
    return undefined;
  };

  return (call) => {
    const isTail = random.chance(tailChance);
    const thereMs = latencyMs * (0.25 + random.next() / 2) * (isTail ? 20 : 1);
    const backMs = latencyMs * (0.25 + random.next() / 2);
    const fair: ScriptedFate = {
      thereMs,
      backMs,
      chunkBytes,
      chunkMs: chunkMs * random.next() * 2,
      stopsOnAbort: random.chance(0.5),
      ...(climate.isSizeless === true ? { sizeBy: "unknown" } : {}),
    };
    const trouble = drawn(call);
    if (lasting === "gone") return { ...fair, failure: missingBucket };
    if (lasting === "forbidden") return { ...fair, failure: accessDenied };
    if (lasting === "silent") return { ...fair, isSilent: true };
    if (trouble === undefined) return fair;
    return { ...fair, ...fateOf(trouble, call, random, fair) };
  };
}

const missingBucket: SimFailure = { code: "UNAVAILABLE", serviceCode: "NoSuchBucket" };
const accessDenied: SimFailure = { code: "PERMISSION_DENIED", serviceCode: "AccessDenied" };

function fateOf(
  trouble: Trouble,
  call: ScriptedCall,
  random: Random,
  fair: ScriptedFate,
): ScriptedFate {
  const broken = (effect: ScriptedBody["effect"]): ScriptedFate =>
    call.operation === "read" ? { body: { effect, atShare: random.next() } } : {};
  switch (trouble) {
    case "unavailable":
      return { failure: failing(random) };
    case "limited":
      return { failure: limited(random) };
    case "forbidden":
      return { failure: random.chance(0.7) ? accessDenied : { code: "UNAUTHENTICATED" } };
    case "denies":
      return { denies: true };
    case "lostAnswer":
      return { failure: failing(random), hasEffect: true };
    case "silent":
      return { isSilent: true, hasEffect: random.chance(0.5) };
    case "stuckPut":
      return call.operation === "put" ? { isSilent: true, hasEffect: random.chance(0.5) } : {};
    case "slowDelete":
      return call.operation === "delete" ? { backMs: 2000 + random.below(10_000) } : {};
    case "slow":
      return { thereMs: (fair.thereMs ?? 0) + random.below(20_000), backMs: random.below(20_000) };
    case "sizeLie":
      return { sizeBy: random.pick([-1, -40, 1, 40, 400]) };
    case "sizeless":
      return { sizeBy: "unknown" };
    case "wholeForRange":
      return call.isRange ? { ignoresRange: true } : {};
    default:
      return broken(trouble);
  }
}

function failing(random: Random): SimFailure {
  const kind = random.below(4);
  if (kind === 0) return { code: "TIMEOUT" };
  if (kind === 1) return { code: "INTERNAL" };
  return { code: "UNAVAILABLE", serviceCode: random.pick(["ECONNRESET", "InternalError"]) };
}

function limited(random: Random): SimFailure {
  if (random.chance(0.5)) return { code: "RATE_LIMITED", serviceCode: "SlowDown" };
  return {
    code: random.pick(["RATE_LIMITED", "UNAVAILABLE"]),
    retryAfterMs: random.pick([0, 500, 3000, 60_000]),
  };
}

import type { Toxic } from "./toxiproxy-client.ts";

const KiB = 1024;

/** A fault, and when it strikes. */
export interface FaultCase {
  readonly name: string;
  readonly operation: "read" | "put";
  readonly toxics: readonly Toxic[];
  /** Before the request, or in the middle of its body. */
  readonly strikes: "before" | "midway";
  /** Whether a body that it meets can't come through whole by itself. */
  readonly cutsOff: boolean;
}

type Fault = Pick<FaultCase, "name" | "strikes" | "cutsOff"> & {
  readonly type: Toxic["type"];
  readonly attributes: Readonly<Record<string, number>>;
};

const faults: readonly Fault[] = [
  fault("latency", "latency", { latency: 60, jitter: 0 }),
  fault("jitter", "latency", { latency: 40, jitter: 40 }),
  fault("bandwidth", "bandwidth", { rate: 700 }),
  fault("slow_close", "slow_close", { delay: 400 }),
  fault("slicer", "slicer", { average_size: 2 * KiB, size_variation: KiB, delay: 10 }),
  { ...fault("hang", "timeout", { timeout: 0 }), cutsOff: true },
  { ...fault("timeout", "timeout", { timeout: 300 }), cutsOff: true },
  { ...fault("reset_peer", "reset_peer", { timeout: 0 }), cutsOff: true },
  {
    ...fault("limit_data", "limit_data", { bytes: 300 * KiB }),
    strikes: "before",
    cutsOff: true,
  },
];

function fault(
  name: string,
  type: Toxic["type"],
  attributes: Readonly<Record<string, number>>,
): Fault {
  return { name, type, attributes, strikes: "midway", cutsOff: false };
}

/** Every fault on every operation, in the direction of its body; and answers that get lost. */
export const faultCases: readonly FaultCase[] = [
  ...faults.flatMap((each) =>
    (["read", "put"] as const).map((operation): FaultCase => {
      const { type, attributes } = each;
      const stream = operation === "read" ? "downstream" : "upstream";
      return { ...each, operation, toxics: [{ type, attributes, stream }] };
    }),
  ),
  {
    name: "lost answer",
    operation: "put",
    toxics: [{ type: "timeout", attributes: { timeout: 0 }, stream: "downstream" }],
    strikes: "midway",
    cutsOff: true,
  },
];

/** Two faults at once, drawn at random, in either direction. */
export function randomCase(random: () => number): FaultCase {
  const pick = <T>(from: readonly T[]): T => {
    const picked = from[Math.floor(random() * from.length)];
    if (picked === undefined) throw new RangeError("nothing to pick from");
    return picked;
  };
  const drawn = [pick(faults), pick(faults)];
  const streams = ["upstream", "downstream"] as const;
  return {
    name: drawn.map(({ name }) => name).join(" + "),
    operation: pick(["read", "put"] as const),
    toxics: drawn.map(({ type, attributes }) => ({ type, attributes, stream: pick(streams) })),
    strikes: pick(["before", "midway"] as const),
    cutsOff: false,
  };
}

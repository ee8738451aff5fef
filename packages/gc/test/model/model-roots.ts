import type { Digest, TagEntry, TagLog } from "@bitstore/core";
import type { Scheduler } from "../../../conformance/src/sim/scheduler.ts";
import type { GcRoots } from "../../src/index.ts";

/** Tags, pins and leases as lists, each of which is read in one instant. */
export interface ModelRoots extends GcRoots {
  append(digest: Digest): void;
  /** How often each blob is pinned. */
  readonly pinned: Map<Digest, number>;
  /** How many leases hold each blob. */
  readonly leased: Map<Digest, number>;
}

export function modelRoots(sim: Scheduler): ModelRoots {
  const history: Digest[] = [];
  const pinned = new Map<Digest, number>();
  const leased = new Map<Digest, number>();
  const held = (map: Map<Digest, number>): Digest[] =>
    [...map].flatMap(([digest, times]) => (times > 0 ? [digest] : []));
  return {
    append: (digest) => void history.push(digest),
    pinned,
    leased,
    async *namespaces() {
      yield "n";
    },
    tags: () => oneTag(sim, history),
    async *pins() {
      await sim.point("roots", "list pins");
      for (const digest of held(pinned)) yield { digest };
    },
    async *leases() {
      await sim.point("roots", "list leases");
      const digests = held(leased);
      const rest = { namespace: "n", id: "l", collections: [], holder: "", reason: undefined };
      yield { ...rest, digests, lapsedMs: undefined, remove: () => Promise.resolve(false) };
    },
  };
}

/** A log of one tag that has been set to each of some digests. */
function oneTag(sim: Scheduler, history: readonly Digest[]): TagLog {
  const entry = (seq: number): TagEntry | undefined => {
    const digest = history[seq - 1];
    if (digest === undefined) return undefined;
    const time = new Date(seq).toISOString();
    const rest = { namespace: "n", tag: "t", nonce: "", actor: "", client: "", recent: [] };
    return { ...rest, seq, op: "set", target: { digest }, time, sha256: "" };
  };
  const log = {
    head: async () => {
      await sim.point("roots", "head");
      return entry(history.length);
    },
    get: async (_: string, seq: number) => {
      await sim.point("roots", `get ${seq}`);
      return entry(seq);
    },
    async *list() {
      await sim.point("roots", "list tags");
      if (history.length > 0) yield "t";
    },
  };
  // The rest of the contract is not asked for.
  return log as unknown as TagLog;
}

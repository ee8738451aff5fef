import { type Algorithm, defaultAlgorithm } from "@bitstore/core";
import type { OpenedStore } from "../store/open-store.ts";

/** Chooses what a put that names no algorithm takes: what is said of the origin. */
export function originAlgorithm({ config }: Pick<OpenedStore, "config">): Algorithm {
  const origin = config.tiers.find((tier) => tier.origin);
  return origin?.store.connection.algorithm ?? defaultAlgorithm;
}

import type { Clock } from "@bitstore/core";
import type { Environment } from "../file/expand.ts";

/** What opened stores take from outside. */
export interface OpenDependencies {
  /** Where the drivers look up endpoints, proxies and credentials, and we look up `env:NAME`. */
  readonly env: Environment;
  readonly clock?: Clock | undefined;
  /** A number from 0 up to 1, for the pauses between attempts. */
  readonly random?: (() => number) | undefined;
}

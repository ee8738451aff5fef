import type { Role } from "../content.ts";
import type { BreakerStatus } from "./breaker.ts";
import type { LimitStatus } from "./limited.ts";
import type { RecentRequests } from "./measured.ts";
import type { HedgeStatus } from "./with-hedge.ts";
import type { RetryBudget } from "./with-retry.ts";

/**
 * How a store does, as its layers see it: what a readiness check and metrics show. A layer that the
 * store does not have is undefined: a directory has no breaker and no limit.
 */
export interface StoreHealth {
  /** The store's name, without secrets. */
  readonly source: string;
  readonly recent: RecentRequests;
  readonly breaker: BreakerStatus | undefined;
  readonly limit: LimitStatus | undefined;
  readonly retries: RetryBudget | undefined;
  readonly hedges: HedgeStatus | undefined;
}

/** How one tier of a composite does. */
export interface TierHealth extends StoreHealth {
  readonly tier: string;
  readonly role: Role;
  readonly origin: boolean;
}

/** A store that can be asked how it does; asking sends no request. */
export interface HealthSource {
  health(): StoreHealth;
}

import type { StoreError } from "../errors.ts";
import type { CompositeContext } from "./context.ts";
import type { Tier } from "./tier.ts";

/** How long one read that succeeded vouches for the credentials. */
const canaryMs = 60_000;

/**
 * Decides whether a refusal means "not here". Only a GET that says AccessDenied can: a HEAD carries
 * no reason. And only while the same credentials are known to work, or expired ones would look like
 * an empty bucket; where no read has succeeded lately, the canary is read.
 */
export async function isForbiddenMiss(
  context: CompositeContext,
  tier: Tier,
  operation: string,
  error: StoreError,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (tier.forbiddenMeans !== "miss" || operation !== "open") return false;
  if (error.code !== "PERMISSION_DENIED" || error.serviceCode !== "AccessDenied") return false;
  const last = context.successes.get(tier.name);
  if (last !== undefined && context.clock.now() - last.atMs < canaryMs) return true;
  const canary = tier.canary ?? last?.digest;
  if (canary === undefined) return false;
  try {
    const content = await tier.source.open(canary, { signal });
    if (content === undefined) return false;
    await content[Symbol.asyncDispose]();
    context.successes.set(tier.name, { digest: canary, atMs: context.clock.now() });
    return true;
  } catch {
    return false;
  }
}

import {
  type Clock,
  digestBytes,
  parseDigest,
  type Role,
  sleep,
  type StoreError,
} from "@bitstore/core";
import type { ServerLimits } from "../../server-limits.ts";
import { toStoreError } from "../../wire/problem.ts";
import type { OpenedWorkspace, Workspaces } from "../workspaces.ts";

/** Whether a server can do its work, and what keeps it from it. */
export interface Readiness {
  readonly status: "ready" | "unavailable" | "draining";
  /** What was asked: the origin, and where tags are kept. */
  readonly checks: readonly Check[];
  readonly tiers: readonly TierState[];
}

export interface Check {
  readonly name: "origin" | "metadata" | "workspace";
  readonly namespace: string;
  readonly ok: boolean;
  /** The code of what it answered. */
  readonly code?: string | undefined;
}

export interface TierState {
  readonly name: string;
  readonly namespace: string;
  readonly role: Role;
  readonly origin: boolean;
  /**
   * By what was asked lately: `down` is held back, or answered nothing of some requests, or an origin
   * that did not answer the check; `recovering` is being tried.
   */
  readonly state: "up" | "recovering" | "down";
}

export interface ReadinessOptions {
  readonly workspaces: Workspaces;
  /** Those that must be there. */
  readonly namespaces: readonly string[];
  readonly closing: AbortSignal;
  readonly limits: ServerLimits;
  readonly clock: Clock;
}

/** A digest that nobody has the bytes of, so that no tier has to send any. */
const probe = parseDigest(`sha256:${"0".repeat(digestBytes.sha256 * 2)}`);

/**
 * Makes the function that finds out whether a server can do its work: the origin is asked for a blob,
 * the metadata for a tag. An answer is kept for `readyMaxAgeMs`, so that however many ask, tiers are
 * asked at that pace.
 */
export function createReadiness(options: ReadinessOptions): () => Promise<Readiness> {
  const { workspaces, namespaces, closing, limits, clock } = options;
  let kept: { readonly atMs: number; readonly checks: Promise<readonly Check[]> } | undefined;

  async function ask(): Promise<readonly Check[]> {
    const all = await Promise.all(
      namespaces.map(async (namespace) => {
        try {
          const workspace = await workspaces.of(namespace);
          return await Promise.all(questionsOf(workspace).map((each) => answer(each, namespace)));
        } catch (error) {
          const { code } = toStoreError(error);
          return [{ name: "workspace", namespace, ok: false, code } as const];
        }
      }),
    );
    return all.flat();
  }
  async function answer({ name, ask: question }: Question, namespace: string): Promise<Check> {
    const giveUp = new AbortController();
    const late = sleep(clock, limits.readyTimeoutMs, giveUp.signal).then(
      () => "TIMEOUT" as const,
      () => undefined,
    );
    const said = question(giveUp.signal).then(
      () => undefined,
      (error: unknown) => toStoreError(error),
    );
    const first = await Promise.race([said, late]);
    giveUp.abort();
    const code = typeof first === "string" ? first : codeOf(first);
    return { name, namespace, ok: code === undefined, ...(code === undefined ? {} : { code }) };
  }

  return async () => {
    if (kept === undefined || clock.now() - kept.atMs > limits.readyMaxAgeMs) {
      kept = { atMs: clock.now(), checks: ask() };
    }
    const checks = await kept.checks;
    const isReady = checks.every(({ ok }) => ok);
    const status = closing.aborted ? "draining" : isReady ? "ready" : "unavailable";
    // Anybody may ask, so no other namespace is named: one may bear the name of whom it is for.
    const told = workspaces.opened().filter(({ namespace }) => namespaces.includes(namespace));
    return { status, checks, tiers: told.flatMap((workspace) => tiersOf(workspace, checks)) };
  };
}

interface Question {
  readonly name: Check["name"];
  readonly ask: (signal: AbortSignal) => Promise<unknown>;
}

function questionsOf({ store, tags }: OpenedWorkspace): readonly Question[] {
  const origin: Question = { name: "origin", ask: (signal) => store.durable(probe, { signal }) };
  if (tags === undefined) return [origin];
  const metadata: Question = {
    name: "metadata",
    ask: async (signal) => {
      for await (const _ of tags.list({ limit: 1, signal })) break;
    },
  };
  return [origin, metadata];
}

/** A server of read-only tiers has no origin, which is no fault of it. */
function codeOf(error: StoreError | undefined): string | undefined {
  return error === undefined || error.code === "UNSUPPORTED" ? undefined : error.code;
}

/** Requests of the last seconds that tell of a tier that answers none. */
const silentRequestsMin = 3;

function tiersOf(
  { namespace, store, health }: OpenedWorkspace,
  checks: readonly Check[],
): readonly TierState[] {
  const healths = new Map(health?.().map((each) => [each.tier, each]));
  // A breaker opens after many failures, and a directory has none.
  const isOriginDown = checks.some(
    (check) => check.name === "origin" && check.namespace === namespace && !check.ok,
  );
  return store.tiers.map(({ name, role, origin }) => {
    const { breaker, recent } = healths.get(name) ?? {};
    const requests = recent?.requests ?? 0;
    const isSilent = requests >= silentRequestsMin && recent?.failures === requests;
    const isDown = breaker?.state === "open" || isSilent || (origin && isOriginDown);
    const state = isDown ? "down" : breaker?.state === "half-open" ? "recovering" : "up";
    return { name, namespace, role, origin, state };
  });
}

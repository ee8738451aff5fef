import { createDisposal } from "@bitstore/core";
import type { OpenWorkspace, Workspace } from "../workspace.ts";
import { type TierCounters, tierCounters } from "./tier-counters.ts";

/** A workspace, and what its tiers answered to this server. */
export interface OpenedWorkspace extends Workspace {
  readonly counters: TierCounters;
}

/** The workspaces of a server, each opened once, when it is first asked for. */
export interface Workspaces extends AsyncDisposable {
  /** Rejects as the opening did; the next call tries again. */
  of(namespace: string): Promise<OpenedWorkspace>;
  /** Resolves to those that are open. */
  opened(): readonly OpenedWorkspace[];
}

export function createWorkspaces(open: OpenWorkspace): Workspaces {
  const known = new Map<string, Promise<OpenedWorkspace>>();
  const opened: OpenedWorkspace[] = [];

  async function make(namespace: string): Promise<OpenedWorkspace> {
    const workspace = await open(namespace);
    const whole: OpenedWorkspace = {
      namespace: workspace.namespace,
      store: workspace.store,
      tags: workspace.tags,
      health: workspace.health,
      counters: tierCounters(),
      [Symbol.asyncDispose]: async () => await workspace[Symbol.asyncDispose](),
    };
    opened.push(whole);
    return whole;
  }

  return {
    opened: () => opened,
    of(namespace) {
      const found = known.get(namespace);
      if (found !== undefined) return found;
      const made = make(namespace);
      known.set(namespace, made);
      made.catch(() => known.delete(namespace));
      return made;
    },
    async [Symbol.asyncDispose]() {
      await using all = createDisposal();
      await Promise.allSettled(known.values());
      for (const workspace of opened) all.add(workspace);
    },
  };
}

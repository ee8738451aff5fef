import type { Machine } from "./machine.ts";

/** The machine under the cache's own file calls, while one is there; see `simulate.ts`. */
let mounted: Machine | undefined;

export function mount(machine: Machine | undefined): void {
  mounted = machine;
}

export function mountedMachine(): Machine {
  if (mounted === undefined) throw new Error("no machine is mounted");
  return mounted;
}

import type { Call } from "./observed.ts";

/** Names a call in what is said of it. */
export function nameOf({ lane, operation, startStep, endStep, blob }: Call): string {
  const what = blob === undefined ? operation.kind : `${operation.kind} of blob ${blob.index}`;
  return `${what} by ${lane}, steps ${startStep} to ${endStep}`;
}

export function compareBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Attempt, AttemptEvent, FillEvent } from "@bitstore/core";
import { painter } from "./colors.ts";
import { attemptRecord } from "./error-record.ts";
import { escapeControls } from "./escape-controls.ts";
import type { Io } from "./io.ts";
import type { Output } from "./output.ts";
import { formatBytes, formatMs } from "./units.ts";

/** Tells what tiers answer and what is copied into caches, on stderr, until it is stopped. */
export function narrate(io: Io, output: Output): () => void {
  const paint = painter(io.stderr, io.env);
  const onAttempt = (message: unknown): void => {
    // The channel's name is what says of which type its messages are.
    const { digest, operation, attempt } = message as AttemptEvent;
    const record = { operation, digest, ...attemptRecord(attempt) };
    const text = [operation, digest, attempt.tier, ...attemptWords(attempt)].map(escapeControls);
    output.aside({ attempt: record }, paint("dim", `  ${text.join("  ")}`));
  };
  const onFill = (message: unknown): void => {
    const { digest, tier, outcome, bytes, elapsedMs, error } = message as FillEvent;
    const why = error === undefined ? undefined : { code: error.code, message: error.detail };
    const text = ["fill", digest, tier, outcome, formatMs(elapsedMs), formatBytes(bytes)];
    if (why !== undefined) text.push(why.message);
    const line = `  ${text.map(escapeControls).join("  ")}`;
    const record = { digest, tier, outcome, bytes, elapsedMs, error: why };
    output.aside({ fill: record }, paint("dim", line));
  };
  subscribe("bitstore:attempt", onAttempt);
  subscribe("bitstore:fill", onFill);
  return () => {
    unsubscribe("bitstore:attempt", onAttempt);
    unsubscribe("bitstore:fill", onFill);
  };
}

/** Says of an attempt its outcome, time and bytes, and why it was so. */
export function attemptWords(attempt: Attempt): readonly string[] {
  const why = attempt.note ?? attempt.error?.detail;
  const words = [attempt.outcome, formatMs(attempt.elapsedMs), formatBytes(attempt.bytes)];
  return why === undefined ? words : [...words, why];
}
